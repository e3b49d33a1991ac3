"""Identity meets the mail room: what a flow wants to tell somebody is queued in the flow's own transaction."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from mainstay.base.errors import Invalid
from mainstay.identity.ports import Step
from mainstay.mail import Mail

log = logging.getLogger("mainstay.mail")


class MailLetters:
    """What identity wants of letters, done by the mail room."""

    def __init__(self, mail: Mail) -> None:
        self._mail = mail

    def letter(
        self, kind: str, to: str, values: Mapping[str, Any], language: str | None = None, person: UUID | None = None
    ) -> Sequence[Step]:
        try:
            return self._mail.letter(kind, to, values, language=language, person=person)
        except Invalid:
            # What is answered may not tell whether an address, however odd, has an account.
            log.warning("a letter is not written: its reader's address is none", extra={"kind": kind})
            return ()

    def belong(self, address: str, person: UUID) -> Sequence[Step]:
        return self._mail.belong(address, person)
