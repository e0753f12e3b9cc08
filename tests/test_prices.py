"""Prices: the bundled table, a user's own before it, and how images are counted."""

import tomllib
from pathlib import Path

import pytest

from gedit_bench.data_files import data_folder
from gedit_bench.errors import UsageError
from gedit_bench.judging.registry import DEFAULT_JUDGE
from gedit_bench.prices import FREE, EditUsage, ImagePrice, ImageTokens, Price, find_price, usd

OPENAI = "api.openai.com"


def test_the_bundled_table_says_when_and_where_each_price_was_seen() -> None:
    rows = tomllib.loads((data_folder() / "prices.toml").read_text())["price"]
    names = [(name, row["endpoints"][0]) for row in rows for name in row["models"]]
    assert len(set(names)) == len(names) > 15
    for name, endpoint in names:
        price = find_price(name, endpoint)
        assert price is not None
        assert price.date >= "2025"
        assert "https://" in price.source
        assert 0 < (price.cached_input or price.input) <= price.input < price.output


def test_the_default_judge_has_a_price_at_openai_and_azure_and_nowhere_else() -> None:
    price = find_price(DEFAULT_JUDGE, OPENAI)
    assert price is not None
    assert price.cost(1_000_000, 1_000_000) == pytest.approx(10.0)
    assert price.cost(1_000_000, 0, 400_000) == pytest.approx(1.4)
    assert find_price(DEFAULT_JUDGE, "mine.openai.azure.com") == price
    assert find_price(DEFAULT_JUDGE, "localhost") is None
    assert find_price("gpt-4.1-2099-01-01", OPENAI) is None


def test_the_users_rows_come_first_and_extend(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        """
        [[price]]
        models = ["gpt-4.1*"]
        endpoints = ["api.openai.com"]
        input = 1
        output = 4
        date = 2026-11-01
        [[price]]
        models = ["Qwen/*"]
        input = 0.2
        output = 0.3
        image_tokens = { patch = 1.5 }
        """
    )
    dearer = find_price("gpt-4.1", OPENAI, own)
    assert dearer == Price(input=1, output=4, date="2026-11-01")
    assert dearer.cost(1_000_000, 0, 1_000_000) == 1  # without a price for cached tokens they are like others
    anywhere = find_price("Qwen/x", "localhost", own)
    assert anywhere == Price(input=0.2, output=0.3, image_tokens=ImageTokens(patch=1.5))
    assert find_price("gpt-4o", OPENAI, own) == find_price("gpt-4o", OPENAI)
    assert find_price("Qwen/x", "localhost") is None


def test_what_an_edit_costs_by_its_tokens_and_about_beforehand() -> None:
    price = find_price("gpt-image-1", OPENAI)
    assert price is not None
    assert price.images is not None
    usage = EditUsage(text_in=100, image_in=1000, image_out=4160)
    assert price.images.cost(usage, price) == pytest.approx((100 * 5 + 1000 * 10 + 4160 * 40) / 1e6)
    low, high = price.images.span("low"), price.images.span("high")
    assert low[0] == pytest.approx((194 * 10 + 272 * 40) / 1e6)
    assert low[1] < high[1]
    assert price.images.span("auto") == (low[0], high[1])
    flat = Price(input=0, output=0, images=ImagePrice(each=0.04))
    assert flat.images is not None
    assert flat.images.cost(EditUsage(image_out=9), flat) == 0.04
    assert flat.images.span("any") == (0.04, 0.04)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[price", "is not valid TOML"),
        ("x = 1", "must hold a list of prices"),
        ("price = []", "must hold a list of prices"),
        ("[[price]]\ninput=1\noutput=1", "price 1 names no models"),
        ('[[price]]\nmodels="m"\ninput=1\noutput=1', "models must be a list of names"),
        ('[[price]]\nmodels=["m"]\ninput=1', "output is missing"),
        ('[[price]]\nmodels=["m"]\ninput=-1\noutput=1', "input can't be -1"),
        ('[[price]]\nmodels=["m"]\ninput=nan\noutput=1', "input can't be nan"),
        ('[[price]]\nmodels=["m"]\ninput=true\noutput=1', "input can't be True"),
        ('[[price]]\nmodels=["m"]\ninput=1\noutput=1\ncached_inputs=1', "unknown field 'cached_inputs'"),
        ('[[price]]\nmodels=["m"]\ninput=1\noutput=1\nimage_tokens={tiles=1}', "image_tokens must be"),
        ('[[price]]\nmodels=["m"]\ninput=1\noutput=1\nimages={out=1}', "images may hold input, output"),
        ('[[price]]\nmodels=["m"]\ninput=1\noutput=1\nimages={tokens_out=3}', "names no levels"),
        ('[[price]]\nmodels=["m"]\ninput=1\noutput=1\nimages={tokens_in=[3]}', "must be a pair of numbers"),
        ('[[price]]\nmodels=["m"]\ninput=1\noutput=1\nimages={tokens_out={high=[3, 2]}}', "begins above its end"),
    ],
)
def test_a_file_of_another_form_is_a_usage_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as raised:
        find_price("m", "h", path)
    assert raised.value.hint


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        find_price("m", "h", tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("model", "size", "tokens"),
    [  # measured by others at the API, less the 7 to 12 tokens of their text
        ("gpt-4.1-2025-04-14", (128, 64), 255),
        ("gpt-4.1-2025-04-14", (1800, 2400), 765),
        ("gpt-4o-2024-05-13", (128, 64), 255),
        ("gpt-4o-mini-2024-07-18", (128, 64), 8500),
        ("gpt-4.1-mini-2025-04-14", (128, 64), 13),
        ("gpt-4.1-nano-2025-04-14", (128, 64), 20),
        ("gpt-4.1-mini-2025-04-14", (4000, 1474), 2489),
        # what a judge is shown
        ("gpt-4.1-2025-04-14", (512, 512), 255),
        ("gpt-4.1-2025-04-14", (627, 418), 425),
        ("gpt-4.1-2025-04-14", (1145, 229), 595),
    ],
)
def test_images_are_counted_as_the_provider_does(model: str, size: tuple[int, int], tokens: int) -> None:
    price = find_price(model, OPENAI)
    assert price is not None
    assert price.image_tokens is not None
    assert price.image_tokens.count(*size) == pytest.approx(tokens, abs=1)


def test_a_price_survives_being_noted() -> None:
    price = find_price("gpt-4.1", OPENAI)
    assert price is not None
    again = Price.from_json(price.to_json())
    assert (again.cost(7, 8, 3), again.words()) == (price.cost(7, 8, 3), price.words())
    assert Price.from_json(FREE.to_json()).free
    assert not price.free


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "$0.00"),
        (1234.5, "$1,234.50"),
        (0.0123, "$0.012"),
        (0.5, "$0.50"),
        (0.9999, "$1.00"),
        (0.000012, "$0.000012"),
    ],
)
def test_amounts_in_words(amount: float, words: str) -> None:
    assert usd(amount) == words
