"""Certificates as every system's log-in may use them."""

from datetime import datetime

from cryptography import x509

from ml_connector.errors import CredentialsError


def read_certificate_end(pem: str) -> datetime:
    """The last instant of a certificate's validity.

    Raises:
        CredentialsError: The text is no certificate.
    """
    try:
        return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    except ValueError as error:
        raise CredentialsError(
            "The certificate cannot be read.",
            written="Nothing was sent.",
            next_step="Let the setting refer to a PEM text: -----BEGIN CERTIFICATE-----.",
        ) from error
