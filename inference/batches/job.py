"""One batch in the hands of one worker, and what it is worked on with."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from governance.auth import principal_of_key
from governance.domain import PolicySnapshot, Principal
from governance.models import Policy
from governance.principals import KeyProblem, policy_of
from governance.provider_keys import accounts_of
from inference.batches.lines import WIRES, call_of
from inference.batches.outcomes import request_id_of
from inference.domain import Call, Refusal, Wire
from inference.files.contents import ContentReader
from inference.models.batches import Batch, BatchItem
from inference.models.files import StoredFile
from inference.providers.batches import ProviderBatchError
from inference.worker import Workshop, in_thread

_MOST_BYTES_AT_ONCE = 16 * 1024 * 1024


@dataclass(slots=True)
class Job:
    """`until` (`time.monotonic`) is when the worker wants to be done with it for now."""

    shop: Workshop
    batch: Batch
    file: StoredFile | None
    principal: Principal
    """Without any scope when its key lets nobody in any more."""
    key_problem: KeyProblem | None
    until: float
    pause: float = 0.0
    """How long to wait before going on, when something asked for patience."""
    claim_lost: bool = False
    setback: ProviderBatchError | None = None
    """What a provider's batch service did not do. It holds up nothing else; the provider is asked again later."""
    _reader: ContentReader | None = field(default=None)

    @property
    def org_id(self) -> str:
        return str(self.batch.org_id)

    @property
    def wire(self) -> Wire:
        return WIRES[self.batch.endpoint]

    @property
    def headers(self) -> Mapping[str, str]:
        steering: dict[str, str] = self.batch.steering
        return steering

    @property
    def is_ending(self) -> bool:
        """Nothing new is begun: it was cancelled, or its time is over."""
        return self.batch.status == Batch.Status.CANCELLING or self.is_late

    @property
    def is_late(self) -> bool:
        return timezone.now() >= self.batch.expires_at

    @property
    def has_time(self) -> bool:
        return not self.claim_lost and not self.pause and time.monotonic() < self.until

    def call_of(self, item: BatchItem, raw: bytes) -> Call | Refusal:
        return call_of(
            raw,
            endpoint=self.batch.endpoint,
            request_id=request_id_of(item),
            headers=self.headers,
            org_id=self.org_id,
            default_mode=self.shop.gateway.default_mode,
            own_account=bool(self.principal.accounts),
        )

    async def read(self, items: Sequence[BatchItem]) -> list[bytes]:
        """Their lines of the input file."""
        return await in_thread(self._read)(items)

    async def refresh(self) -> None:
        """What others may have changed: that it is to be cancelled."""
        await in_thread(self._refresh)()

    def _refresh(self) -> None:
        self.batch.refresh_from_db(fields=["status", "cancelling_at"])

    def _read(self, items: Sequence[BatchItem]) -> list[bytes]:
        assert self.file is not None, "a batch with lines still to do keeps its file"
        if self._reader is None:
            self._reader = ContentReader(self.file)
        return [self._reader.read(item.offset, item.length) for item in items]


def open_job(shop: Workshop, batch: Batch, *, until: float) -> Job:
    """Reads what is needed. Uses the ORM."""
    found = principal_of_key(batch.key_id)
    problem = found if isinstance(found, KeyProblem) else None
    principal = _nobody(batch) if isinstance(found, KeyProblem) else found
    file = StoredFile.objects.for_org(batch.org_id).filter(pk=batch.input_file_id).first()
    return Job(shop, batch, file, principal, problem, until)


def as_many_as_fit(items: Iterable[BatchItem]) -> list[BatchItem]:
    """The first of them, so many that their lines may be in memory together."""
    size = 0
    fitting: list[BatchItem] = []
    for item in items:
        size += item.length
        if fitting and size > _MOST_BYTES_AT_ONCE:
            break
        fitting.append(item)
    return fitting


def _nobody(batch: Batch) -> Principal:
    """For billing what was begun while the key was still good."""
    row = Policy.objects.for_org(batch.org_id).values().first()
    policy: PolicySnapshot = policy_of(row or {})
    org_id = str(batch.org_id)
    return Principal(org_id, str(batch.key_id), frozenset(), policy, None, accounts_of(org_id))
