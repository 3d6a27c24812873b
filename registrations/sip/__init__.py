"""SIP as far as push registrations need it: bytes of one message → Register. Pure."""

from .address import aor_of, read_address, uri_params
from .errors import FramingError, MalformedMessage, SipError
from .flexisip import refusal_of
from .message import (
    WHOLE,
    Head,
    Message,
    cleaned,
    decoded,
    made,
    read_message,
    redacted,
    text_of,
    usual_headers,
    usual_message,
    without_groups,
)
from .push_params import PushParams
from .push_values import Problem
from .register import Contact, Register, is_register, read_contact, read_register

__all__ = [
    "WHOLE",
    "Contact",
    "FramingError",
    "Head",
    "MalformedMessage",
    "Message",
    "Problem",
    "PushParams",
    "Register",
    "SipError",
    "aor_of",
    "cleaned",
    "decoded",
    "is_register",
    "made",
    "read_address",
    "read_contact",
    "read_message",
    "read_register",
    "redacted",
    "refusal_of",
    "text_of",
    "uri_params",
    "usual_headers",
    "usual_message",
    "without_groups",
]
