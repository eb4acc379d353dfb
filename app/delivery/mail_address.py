"""E-mail addresses: what mail can be sent to, in the form in which any mail server takes it."""

from __future__ import annotations

from email.headerregistry import Address

from app.errors import BadInput

MAX_LENGTH = 254  # of an address, by RFC 5321


def checked_mail_address(text: str) -> str:
    """One plain address, in ASCII; BadInput for anything else: names, comments and quotes could become headers.

    An internationalised domain becomes its ASCII form (xn--…). Before the @ only ASCII is taken: other letters need a
    mail server with SMTPUTF8, at the receiver's side as well.
    """
    import email_validator  # 18 ms, which no command spends that sends no mail

    # It refuses .local, .test and the like; but operators name a mail server of their own, which may know them.
    email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()
    if len(text) > MAX_LENGTH:
        raise BadInput(f"not an e-mail address: more than {MAX_LENGTH} characters")
    try:
        found = email_validator.validate_email(
            text,
            allow_smtputf8=False,
            allow_empty_local=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
            strict=True,
            globally_deliverable=False,  # a host without dots is one of the operator's network
            check_deliverability=False,  # no look-ups: the mail server makes them
        )
    except email_validator.EmailNotValidError as error:
        raise BadInput(f"not an e-mail address: {error}") from None
    address = text if text.isascii() else found.ascii_email  # as it was given: the library folds the domain's case
    if address is None or not _fits_a_header(address):
        raise BadInput("not an e-mail address: reads as something else in a header")
    return address


def _fits_a_header(address: str) -> bool:
    """Whether a header has it as it is. What begins like an encoded word, =?…?=, is decoded there, or is an error."""
    try:
        return Address(addr_spec=address).addr_spec == address
    except Exception:  # its parser raises what it finds
        return False
