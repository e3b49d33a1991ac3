"""What can go wrong with letters.

Rejected
└── QueueFull              503  too many letters wait
ConfigurationError
├── UnknownTemplate             no folder holds a template of that name
└── LetterUnreadable            a template cannot be rendered with these values
SendingFailed                   an engine could not hand a letter on
├── Refused                     it will never be taken: the server said 5xx
├── PutOff                      this letter, not now: the server said 4xx
└── Away                        no letter can be sent at present: no connection, no TLS, no sign-in
"""

from mainstay.base.errors import ConfigurationError, MainstayError, Unavailable


class QueueFull(Unavailable):
    """Too many letters wait to be sent."""

    code = "mail_queue_full"


class UnknownTemplate(ConfigurationError):
    """No folder holds a template of that name."""


class LetterUnreadable(ConfigurationError):
    """A template cannot be rendered with these values."""


class SendingFailed(MainstayError):
    """An engine could not hand a letter on. The message is for operators."""


class Refused(SendingFailed):
    """The letter will never be taken."""


class PutOff(SendingFailed):
    """The letter is not taken now; it may be later."""


class Away(SendingFailed):
    """No letter can be sent at present, whatever it says and to whom."""
