# SPDX-License-Identifier: Apache-2.0
"""Certificate authorities for tests: everything a certificate may say can be chosen, wrong things too."""

import datetime
import hashlib
import base64
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def cert_pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def spki_pin(key):
    """The base64 of the SHA-256 of a key's SubjectPublicKeyInfo; of a certificate's, if it is one."""
    if isinstance(key, x509.Certificate):
        key = key.public_key()
    elif hasattr(key, "public_key"):
        key = key.public_key()
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()


def cert_pin(certificate):
    return base64.b64encode(hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()).decode()


def dns_or_ip(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def build(subject, public_key, issuer, issuer_key, days, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
               .serial_number(x509.random_serial_number())
               .not_valid_before(now + days[0] * DAY).not_valid_after(now + days[1] * DAY))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def common_name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


class Authority:
    """A certificate authority, self-signed or under another one."""

    def __init__(self, name, parent=None, key=None, days=(-1, 1500)):
        self.name = common_name(name)
        self.key = key or new_key()
        self.parent = parent
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self.certificate = build(self.name, self.key.public_key(), parent.name if parent else self.name,
                                 parent.key if parent else self.key, days,
                                 [(x509.BasicConstraints(True, None), True), (usage, True)])

    def leaf(self, *names, key=None, days=(-1, 1200), cn=None):
        """A server certificate; returns (certificate, key)."""
        key = key or new_key()
        extensions = [(x509.BasicConstraints(False, None), True),
                      (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)]
        if names:
            extensions.append((x509.SubjectAlternativeName([dns_or_ip(name) for name in names]), False))
        return build(common_name(cn if cn is not None else names[0]), key.public_key(), self.name, self.key, days,
                     extensions), key

    def chain(self):
        """The intermediates that a server sends, without the root."""
        return [self.certificate, *self.parent.chain()] if self.parent else []


class Workshop:
    """Writes keys and certificates to files, as servers and the command line want them."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True)
        self.count = 0

    def path(self, suffix):
        self.count += 1
        return self.directory / f"{self.count}.{suffix}"

    def key_file(self, key=None):
        path = self.path("key")
        path.write_bytes(key_pem(key or new_key()))
        path.chmod(0o600)
        return path

    def cert_file(self, *certificates):
        path = self.path("pem")
        path.write_bytes(b"".join(map(cert_pem, certificates)))
        return path
