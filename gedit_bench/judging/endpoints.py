"""From what the user says of a judge's endpoints to the judge: one server or a pool, OpenAI's way or Azure's."""

from typing import TYPE_CHECKING

from gedit_bench.judging.azure import AzureJudge, is_azure
from gedit_bench.judging.base import Judge
from gedit_bench.judging.openai_compatible import OpenAICompatibleJudge
from gedit_bench.judging.pool import PoolJudge

if TYPE_CHECKING:
    from gedit_bench.judging.registry import JudgeSettings


def judge_over_http(settings: "JudgeSettings") -> Judge:
    """Return the judge behind one base URL, or behind several as a pool.

    Raises:
        UsageError: a base URL is none, or the servers can't be one judge.
        UnavailableError: there is no key for an endpoint.
    """
    given = settings.base_url
    # A server that is named twice would get twice its share.
    urls: list[str | None] = list(dict.fromkeys([given] if isinstance(given, str) else given or ())) or [None]
    servers = [
        (AzureJudge if is_azure(settings.name, url) else OpenAICompatibleJudge)(
            settings.name,
            base_url=url,
            endpoint_label=settings.endpoint_label if len(urls) == 1 else None,
            timeout=settings.timeout,
            retry_for=settings.retry_for,
            concurrency=settings.connections,
        )
        for url in urls
    ]
    return servers[0] if len(servers) == 1 else PoolJudge(servers, endpoint_label=settings.endpoint_label)
