"""Azure OpenAI: the same chat completions under Azure's addresses, key header and API versions.

A deployment is asked at `ENDPOINT/openai/deployments/NAME/chat/completions?api-version=…`, which the
official SDK's Azure client puts together. Azure's newer `…/openai/v1` needs nothing of this: it is an
OpenAI-compatible base URL like any other.
"""

import os
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.judging.openai_compatible import OpenAICompatibleJudge
from gedit_bench.transport.addresses import read_key
from gedit_bench.transport.failures import Hints

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from openai import AsyncOpenAI

PREFIX = "azure:"
DEFAULT_API_VERSION = "2024-10-21"
"""The last dated version that is generally available; `OPENAI_API_VERSION` names another."""

_HOST = ".openai.azure.com"


def is_azure(name: str, base_url: str | None) -> bool:
    """Return whether a judge is an Azure deployment: it is called `azure:…`, or its base URL is a resource's."""
    if name.startswith(PREFIX):
        return True
    try:
        parts = urlsplit((base_url or "").strip())
        return (parts.hostname or "").endswith(_HOST) and "/openai/v1" not in parts.path
    except ValueError:  # no URL, which is said where it is used
        return False


class AzureJudge(OpenAICompatibleJudge):
    """A deployment on Azure OpenAI, called `azure:DEPLOYMENT` in the judge id.

    The endpoint comes from `base_url` or `AZURE_OPENAI_ENDPOINT`, the key from `AZURE_OPENAI_API_KEY`, the API
    version from `OPENAI_API_VERSION`. Which model a deployment holds is for Azure's portal to say; each
    reply carries the model string that came back.
    """

    hints = Hints(
        key="Set AZURE_OPENAI_API_KEY to a key of this resource, and check AZURE_OPENAI_ENDPOINT.",
        model="Check the deployment's name (--judge azure:DEPLOYMENT), AZURE_OPENAI_ENDPOINT and OPENAI_API_VERSION.",
        place="chat completions",
    )

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        endpoint_label: str | None = None,
        timeout: float = 120.0,
        retry_for: float = 600.0,
        concurrency: int = 256,
    ) -> None:
        """Describe the judge; nothing is sent yet.

        Args:
            name: `azure:DEPLOYMENT`, or the deployment alone.
            base_url: the resource's address, such as `https://NAME.openai.azure.com`.
            endpoint_label: as for any judge; the resource's host if None.
            timeout: as for any judge.
            retry_for: as for any judge.
            concurrency: as for any judge.

        Raises:
            UsageError: there is no deployment, or the address is none.
            UnavailableError: there is no endpoint or no key.
        """
        deployment = name.removeprefix(PREFIX)
        if not deployment:
            raise UsageError("`azure:` names no deployment.", "Use --judge azure:DEPLOYMENT.")
        address = base_url or os.environ.get("AZURE_OPENAI_ENDPOINT", "")
        if not address.strip():
            raise UnavailableError(
                "There is no Azure endpoint: AZURE_OPENAI_ENDPOINT is not set.",
                "Set AZURE_OPENAI_ENDPOINT or use --base-url, such as https://NAME.openai.azure.com.",
            )
        super().__init__(
            PREFIX + deployment,
            base_url=address,
            endpoint_label=endpoint_label,
            timeout=timeout,
            retry_for=retry_for,
            concurrency=concurrency,
            key_variable="AZURE_OPENAI_API_KEY",
        )
        self._model = deployment
        self._api_version = os.environ.get("OPENAI_API_VERSION", "").strip() or DEFAULT_API_VERSION

    def _make_client(self, transport: "AsyncClient") -> "AsyncOpenAI":
        from openai import AsyncAzureOpenAI

        address = self._base_url.rstrip("/").removesuffix("/v1").removesuffix("/openai")
        return AsyncAzureOpenAI(
            azure_endpoint=address,
            azure_deployment=quote(self._model, safe=""),
            api_version=self._api_version,
            api_key=self._key,
            max_retries=0,
            timeout=None,
            http_client=transport,
        )

    def _read_key(self, host: str, variable: str) -> str:
        key = read_key(variable)
        if not key:
            raise UnavailableError(f"There is no key for {host}: {variable} is not set.", f"Set {variable}.")
        return key

    def _about(self, models: set[str]) -> str:
        # Azure lists the models that a resource could deploy, not what its deployments are called.
        return f"{self.endpoint} answers; whether it has the deployment {self._model} shows with the first question."
