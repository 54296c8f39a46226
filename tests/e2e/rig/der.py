# SPDX-License-Identifier: Apache-2.0
"""Certificates by hand, for what no library would write.  Every part may be replaced by other bytes; what results is
signed all the same."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
SERVER_AUTH = bytes.fromhex("06082b06010505070301")
SAN, BASIC, USAGE = bytes.fromhex("0603551d11"), bytes.fromhex("0603551d13"), bytes.fromhex("0603551d25")
TRUE = b"\x01\x01\xff"


def tlv(tag, *parts, size=None):
    """size: bytes of a long-form length, longer than needed if wished."""
    data = b"".join(parts)
    if size is None and len(data) < 128:
        return bytes([tag, len(data)]) + data
    width = size or (len(data).bit_length() + 7) // 8
    return bytes([tag, 0x80 | width]) + len(data).to_bytes(width, "big") + data


def seq(*parts, **options):
    return tlv(0x30, *parts, **options)


def common_name(data, tag=0x0C):
    return seq(tlv(0x31, seq(bytes.fromhex("0603550403"), tlv(tag, data))))


def utc(text, tag=0x17):
    return tlv(tag, text.encode())


def extension(oid, value, critical=b""):
    return seq(oid, critical, tlv(4, value))


def alternative_names(*names):
    """Each bytes for a DNS name, or a finished GeneralName in a list of one."""
    return seq(*(name[0] if isinstance(name, list) else tlv(0x82, name) for name in names))


def spki_of(key, form=serialization.PublicFormat.SubjectPublicKeyInfo):
    return key.public_key().public_bytes(serialization.Encoding.DER, form)


def usual_extensions(names, *more):
    return [extension(BASIC, seq(), TRUE), extension(USAGE, seq(SERVER_AUTH)),
            extension(SAN, alternative_names(*(name.encode() for name in names))), *more]


def leaf(issuer, key, names, **parts):
    """A server certificate of issuer (an x509 certificate's .name and .key); parts replace what would stand there.

    version serial algorithm validity subject spki extensions (a list) tail (in the TBSCertificate), outer (algorithm),
    after (the signature, in the certificate), wrap (function of the three parts).
    """
    algorithm = parts.get("algorithm", ECDSA_SHA256)
    extensions = parts.get("extensions", usual_extensions(names))
    body = seq(
        parts.get("version", bytes.fromhex("a003020102")),
        parts.get("serial", bytes.fromhex("02081122334455667788")),
        algorithm,
        issuer.name.public_bytes(),
        parts.get("validity", seq(utc("200101000000Z"), utc("491231235959Z"))),
        parts.get("subject", common_name(b"leaf")),
        parts.get("spki", spki_of(key)),
        tlv(0xA3, seq(*extensions)) if extensions is not None else b"",
        parts.get("tail", b""), size=parts.get("size"))
    signature = tlv(3, b"\0", issuer.key.sign(body, ec.ECDSA(hashes.SHA256())))
    wrap = parts.get("wrap", lambda *all_of_it: seq(*all_of_it))
    return wrap(body, parts.get("outer", algorithm), signature + parts.get("after", b""))


def der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER) if isinstance(certificate, x509.Certificate) else certificate
