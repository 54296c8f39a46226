# SPDX-License-Identifier: Apache-2.0
"""Bad input for people: each mistake is told in one line, with its exit code, and nothing is lost."""

import fcntl
import os
import shlex
import shutil
import socket
import subprocess
from typing import Callable, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pki import Authority, cert_pem, common_name, key_pem, new_key, spki_pin
from rig.process import LOOPBACK, program
from rig.programs import Pintled, Repository, binary, clean_environment, pintle_ok
from thief import alter_signature

USAGE, INPUT, TRUST, NETWORK, STORAGE, CONFIG = 64, 65, 66, 69, 73, 78
HOST = "api.example.test"
PIN = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
EVERYTHING = "0123456789abcdef" * 4  # as a key id


class Row(NamedTuple):
    """One mistake.  "d" in the words is a fresh copy of the repository "pins", after setup(world, copy)."""

    name: str
    words: str
    code: int
    says: tuple
    setup: Callable = None
    where: str = ""  # what a shell appends, such as "<&-"


def row(name, words, code, *says, setup=None, where=""):
    return Row(name, words, code, says, setup, where)


# ---- the world: made once, never changed by what is tried ----


def write_files(world):
    """Right and wrong files, by the names that the table uses."""
    secret, p384, big = new_key(), ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)
    authority = Authority("Bad Input CA")
    leaf, leaf_key = authority.leaf(HOST)
    der = leaf.public_bytes(serialization.Encoding.DER)
    request = x509.CertificateSigningRequestBuilder().subject_name(common_name(HOST)).sign(leaf_key, hashes.SHA256())
    forged = bytearray(request.public_bytes(serialization.Encoding.DER))
    forged[-1] ^= 1
    pem = cert_pem(leaf)
    public = leaf_key.public_key().public_bytes(serialization.Encoding.PEM,
                                                serialization.PublicFormat.SubjectPublicKeyInfo)
    files = {
        "empty": b"", "garbage": os.urandom(300), "text": b"nothing of that kind\n", "huge": bytes(1_100_000),
        "tls.key": key_pem(leaf_key), "tls.pub": public, "p384.pem": key_pem(p384), "rsa.pem": key_pem(big),
        "sec1.pem": secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                                         serialization.NoEncryption()),
        "cut.key": key_pem(leaf_key)[:120], "spoilt.key": key_pem(leaf_key).replace(b"\nM", b"\nA", 1),
        "cert.pem": pem, "cert.der": der, "cut.pem": pem[:len(pem) // 2], "cut.der": der[:-1], "long.der": der + b"x",
        "spoilt.pem": pem[:40] + b"AAAA" + pem[44:], "lengths.der": b"\x30\x84\xff\xff\xff\xff" + der[4:],
        "endless.der": b"\x30\x80" * 2000, "ca.pem": cert_pem(authority.certificate),
        "inner.pem": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "request.csr": request.public_bytes(serialization.Encoding.PEM), "forged.csr": bytes(forged),
        "pass": b"correct horse\n", "wrong": b"wrong\n", "blank": b"\n", "longpass": b"x" * 1025 + b"\n",
    }
    for name, content in files.items():
        (world / name).write_bytes(content)
        (world / name).chmod(0o600)
    (world / "directory").mkdir()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A directory with two repositories, "pins" with a pin staged, "other", and files that are wrong in every way."""
    world = tmp_path_factory.mktemp("bad-input")
    write_files(world)
    pins = Repository(world / "pins")
    pins.pin(HOST, world / "tls.key")
    pins.publish()
    pins.run("pin", "add", HOST, "--sha256", PIN)
    pins.run("stage", "export", world / "staged")
    Repository(world / "other").publish()
    Repository(world / "elsewhere", "--name", "elsewhere").publish()
    pintle_ok("key", "new", world / "stranger.pem")
    pintle_ok("key", "new", world / "sealed.pem", "--passphrase-file", world / "pass")
    (world / "team.pem").write_bytes((pins.keys / "zone-main.pem").read_bytes())
    (world / "team.pem").chmod(0o600)
    return world


def content_of(path):
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except IsADirectoryError:
        return True
    except OSError as error:
        return type(error).__name__


def tree(directory):
    """Every file with what it holds, every directory, every mode.  Taken twice in each of hundreds of tests: no pathlib."""
    return {os.path.join(parent, name): (os.lstat(os.path.join(parent, name)).st_mode, content_of(os.path.join(parent, name)))
            for parent, folders, files in os.walk(directory) for name in folders + files}


# ---- ways to break a repository ----


def put(path, content):
    return lambda world, copy: (copy / path).write_bytes(content)


def cut(path):
    return lambda world, copy: os.truncate(copy / path, (copy / path).stat().st_size // 2)


def remove(path):
    return lambda world, copy: (shutil.rmtree if (copy / path).is_dir() else os.unlink)(copy / path)


def replace(path, old, new):
    def change(_, copy):
        text = (copy / path).read_text()
        assert old in text
        (copy / path).write_text(text.replace(old, new))
    return change


def taken(source, target):
    return lambda world, copy: shutil.copy(world / source, copy / target)


def edit(*words, then=None):
    def change(world, copy):
        pintle_ok(*words, "--repo", copy)
        if then:
            then(world, copy)
    return change


def only_charter(content):
    """Of the two, the newest: the one that timestamp leads to."""
    def change(_, copy):
        for path in (copy / "public" / "targets").glob("*.charter.json"):
            path.write_bytes(content)
    return change


def signature_altered(world, copy):
    path = copy / "public" / "metadata" / "timestamp.json"
    path.write_bytes(alter_signature(path.read_bytes()))


def mode(path, bits):
    return lambda world, copy: (copy / path).chmod(bits)


def read_only(_, copy):
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o500 if path.is_dir() else 0o400)


ROOTS = "--roots pins/app/roots"
SIGN = f"pintle sign --repo pins {ROOTS} --key"
ADD = f"pintle pin add {HOST} --repo pins"
CHECK = f"pintle check {HOST} --connect 127.0.0.1:1 --repo pins"
GET = f"pintle get https://{HOST}/ --connect 127.0.0.1:1 --repo pins"

KEY_FILES = [
    row("garbage", f"{SIGN} garbage", INPUT, "garbage: expected a PEM file with a key, found no PEM block",
        "`pintle key new` makes one"),
    row("empty key", f"{SIGN} empty", INPUT, "empty: expected a PEM file with a key, found no PEM block"),
    row("cut key", f"{SIGN} cut.key", INPUT, "cut.key: expected a PEM file with a key, found no PEM block"),
    row("damaged key", f"{SIGN} spoilt.key", INPUT, "spoilt.key: the private key is damaged; use a copy"),
    row("certificate as key", f"{SIGN} cert.pem", INPUT, 'expected a PKCS#8 private key', 'found "CERTIFICATE"',
        "give the private key that belongs to it"),
    row("public key as key", f"{SIGN} tls.pub", INPUT, 'found "PUBLIC KEY"', "give the private key"),
    row("key in another form", f"{SIGN} sec1.pem", INPUT, 'found "EC PRIVATE KEY"',
        "convert it with `openssl pkcs8 -topk8`"),
    row("RSA", f"{SIGN} rsa.pem", INPUT, "rsa.pem: expected an ECDSA P-256 or an Ed25519 key, found RSA",
        "make one with `pintle key new`"),
    row("P-384", f"{SIGN} p384.pem", INPUT, "expected an ECDSA P-256 or an Ed25519 key, found EC on another curve"),
    row("key of no role", f"{SIGN} stranger.pem", INPUT, "expected a key that may sign a draft, found stranger.pem",
        "`pintle status` says which roles need signatures"),
    row("huge key", f"{SIGN} huge", INPUT, "huge: expected at most 65536 bytes, found more", "is it the right file?"),
    row("directory as key", f"{SIGN} directory", STORAGE, "expected a file at directory, found a directory",
        "check the path"),
    row("missing key", f"{SIGN} nowhere.pem", STORAGE, "expected a file at nowhere.pem, found none; check the path"),
    row("endless device", f"{SIGN} /dev/zero", INPUT, "/dev/zero: expected at most 65536 bytes, found more"),
    row("no key", f"pintle sign --repo pins {ROOTS}", USAGE, "expected --key KEY, found none"),
    *(row(f"token: {name}", f"{SIGN} {uri}", code, *says) for name, uri, code, *says in (
        ("PIN in the URI", "pkcs11:token=t?pin-value=1234", INPUT, "must not hold the PIN", "use --pin-file FILE"),
        ("unknown attribute", "pkcs11:token=t;colour=red", INPUT, 'found "colour"', "name the key by those"),
        ("nothing", "pkcs11:token=", INPUT, 'needs a percent-encoded value of 1 to 255 bytes, found ""'),
        ("twice", "pkcs11:token=t;token=u", INPUT, '"token" stands twice', "name it once"),
        ("relative module", "pkcs11:token=t?module-path=x.so", INPUT, "expected an absolute path after module-path="),
        ("a pipe to a PIN", "pkcs11:token=t?pin-source=|pin", INPUT, "expected pin-source=file:/PATH"),
        ("no module", "pkcs11:token=t?module-path=/nowhere.so", STORAGE, "the PKCS#11 module cannot be loaded: /nowhere.so",
         "name the library that came with the token"))),
    *(row(f"signer file: {name}", f"{SIGN} d/a.signer", code, *says, setup=put("a.signer", text.encode()))
      for name, text, code, *says in (
          ("cut", '{"signer":1,', INPUT, "d/a.signer: byte "),
          ("of another time", '{"signer":2}', INPUT, '"signer"'),
          ("misspelt", '{"signer":1,"publik":""}', INPUT, 'found "publik"'),
          ("neither", '{"signer":1,"public":"x"}', INPUT, 'expected either "pkcs11" or "program", found neither'),
          ("relative", '{"signer":1,"public":"x","program":["sign"]}', INPUT, "must begin with an absolute path"),
          ("no public half", '{"signer":1,"public":"x","program":["/bin/true"]}', INPUT,
           'd/a.signer: expected a key or its public half, found "no PEM"'))),
    row("key link: nothing", "pintle key link d/a.signer", USAGE, "expected --pkcs11 URI, or --program PATH with --public FILE"),
    row("key link: both", "pintle key link d/a.signer --pkcs11 pkcs11: --program /bin/true", USAGE, "expected --pkcs11 URI, or"),
    row("key link: no public half", "pintle key link d/a.signer --program /bin/true", USAGE, "--program needs --public FILE"),
    row("key link: relative", "pintle key link d/a.signer --program sign --public tls.pub", USAGE,
        "--program needs an absolute path"),
    row("key link: arguments of a token", "pintle key link d/a.signer --pkcs11 pkcs11: --argument x", USAGE,
        "--argument and --timeout are for --program"),
    row("key link: timeout", "pintle key link d/a.signer --program /bin/true --public tls.pub --timeout 0", USAGE,
        "--timeout needs a whole number from 1 to 3600, found 0"),
    row("key link: taken", "pintle key link cert.pem --program /bin/true --public tls.pub", STORAGE,
        "exists already and is not overwritten"),
    row("key new in a token without a name", "pintle key new pkcs11:token=t", INPUT, "expected object=NAME"),
    row("key new in a token with a passphrase", "pintle key new pkcs11:token=t;object=o --passphrase-file pass", USAGE,
        "--passphrase-file encrypts a key file; a token has a PIN, see --pin-file"),
    row("key show: two forms", "pintle key show tls.pub --pem --json", USAGE, "give one of them"),
    row("sealed, no terminal", f"{SIGN} sealed.pem", INPUT, "sealed.pem is encrypted and there is no terminal to ask",
        "give --passphrase-file FILE"),
    row("sealed, stdin closed", f"{SIGN} sealed.pem", INPUT, "there is no terminal to ask", where="<&-"),
    row("wrong passphrase", f"{SIGN} sealed.pem --passphrase-file wrong", INPUT,
        "sealed.pem: the passphrase does not open this key", "try again with the right one"),
    row("missing passphrase file", f"{SIGN} sealed.pem --passphrase-file nowhere", STORAGE,
        "expected a file at nowhere, found none"),
    row("empty passphrase file", f"{SIGN} sealed.pem --passphrase-file empty", INPUT,
        "expected a passphrase in empty, found nothing"),
    row("blank passphrase", f"{SIGN} sealed.pem --passphrase-file blank", INPUT, "found an empty line"),
    row("long passphrase", f"{SIGN} sealed.pem --passphrase-file longpass", INPUT,
        "expected a passphrase of at most 1024 bytes in longpass, found more"),
    row("directory as passphrase", f"{SIGN} sealed.pem --passphrase-file directory", INPUT,
        "expected a passphrase in directory, found nothing"),
    row("certificate of no key to show", "pintle key show cert.pem", INPUT,
        'expected a key or its public half, found "CERTIFICATE"'),
    row("key is there already", "pintle key new stranger.pem", STORAGE, "stranger.pem exists already",
        "choose another name"),
    row("no such directory for a key", "pintle key new no/such/key.pem", STORAGE, "cannot create no/such/",
        "No such file or directory; check the path"),
    row("kind of key", "pintle key new x.pem --type rsa", USAGE, '--type needs p256 or ed25519, found "rsa"'),
    row("init, empty passphrase", "pintle init --repo new --passphrase-file empty", INPUT, "found nothing"),
    row("publish, wrong key", "pintle publish --repo pins --key text", INPUT, "text: expected a PEM file with a key"),
    row("damaged key in keys/", "pintle publish --repo d", TRUST, "main: 0 of 1 signatures", "pintle sign",
        setup=put("keys/zone-main.pem", b"spoilt")),
    row("key of another kind in keys/", "pintle publish --repo d", INPUT, "d/keys/mine.pem: expected an ECDSA P-256",
        "found RSA", setup=taken("rsa.pem", "keys/mine.pem")),
    row("sealed key in keys/", "pintle publish --repo d", TRUST, "main: 0 of 1 signatures",
        "1 encrypted key in keys/ was not used, --passphrase-file FILE opens it",
        setup=taken("sealed.pem", "keys/zone-main.pem")),
    row("no keys", "pintle publish --repo d", TRUST, "main: 0 of 1 signatures; sign it with `pintle sign --key FILE`",
        setup=remove("keys")),
]

ONE_KEY_ONE_ROLE = [
    row("online key into root", "pintle root add pins/keys/timestamp.pem --repo pins", INPUT, "signs timestamp",
        "root and targets keys stay offline", "`pintle key new FILE`"),
    row("root key for timestamp", "pintle root add pins/keys/root-1.pem --role timestamp --repo pins", INPUT,
        "signs root", "make another one"),
    row("zone key into root", "pintle root add team.pem --repo pins", INPUT, "signs zone main", "make another one"),
    row("online key for a zone", "pintle zone add q --key pins/keys/snapshot.pem --repo pins", INPUT, "signs snapshot",
        "so it may not sign a zone too", "`pintle key new FILE`"),
    row("root key for a zone", "pintle zone add q --key pins/keys/root-1.pem --repo pins", INPUT, "signs root",
        "so it may not sign a zone too"),
    row("targets key for a zone", "pintle zone rotate main --key pins/keys/targets-1.pem --repo pins", INPUT,
        "signs targets"),
    row("a zone's own key again", "pintle zone rotate main --key team.pem --repo pins", INPUT,
        'has signed zone "main" before', "make new ones with `pintle key new FILE`"),
    row("a key that is there", "pintle root add pins/keys/root-1.pem --repo pins", INPUT, "may sign root already",
        "`pintle root list`"),
    row("an unknown key goes", f"pintle root remove {EVERYTHING} --repo pins", INPUT,
        "expected one key of root whose id begins with", "found 0", "`pintle root list`"),
    row("the last key goes", "pintle root remove pins/keys/root-1.pem --repo pins", INPUT,
        "root needs 1 of its 1 keys, so none can go", "`pintle root rotate`"),
    row("half an id", "pintle root remove 12ab --repo pins", INPUT, "at least its first 8 hex digits", 'found "12ab"'),
    row("rotate what", "pintle root rotate --repo pins", USAGE, "expected --old KEY with --new KEY, or --online"),
]

CERTIFICATES = [
    row("empty certificate", f"{ADD} --cert empty", INPUT, "empty: expected an X.509 certificate of 1 to", "found 0"),
    row("garbage certificate", f"{ADD} --cert garbage", INPUT,
        "garbage: expected an X.509 certificate in PEM or DER, found neither; is it the right file?"),
    *(row(f"{name} as certificate", f"{ADD} --cert {name}", INPUT, f"{name}: expected an X.509 certificate",
          "is it the right file?") for name in ("cut.der", "long.der", "lengths.der", "endless.der", "text")),
    *(row(f"{name} as certificate", f"{ADD} --cert {name}", INPUT, f"{name}: expected an X.509 certificate",
          'found a damaged "CERTIFICATE"; use a copy of the file') for name in ("cut.pem", "spoilt.pem", "inner.pem")),
    row("key as certificate", f"{ADD} --cert tls.key", INPUT, 'found "PRIVATE KEY"; use --key'),
    row("request as certificate", f"{ADD} --cert request.csr", INPUT, 'found "CERTIFICATE REQUEST"; use --csr'),
    row("certificate as key to pin", f"{ADD} --key cert.pem", INPUT, 'found "CERTIFICATE"; use --cert'),
    row("certificate as request", f"{ADD} --csr cert.pem", INPUT, 'found "CERTIFICATE"; use --cert'),
    row("forged request", f"{ADD} --csr forged.csr", INPUT, "the request's own signature does not verify",
        "make it again"),
    row("huge certificate", f"{ADD} --cert huge", INPUT, "huge: expected at most 1000000 bytes, found more"),
    row("missing certificate", f"{ADD} --cert nowhere", STORAGE, "expected a file at nowhere, found none"),
    row("sealed key to pin", f"{ADD} --key sealed.pem", INPUT, "no passphrase was given", "--passphrase-file FILE"),
    row("sealed key to pin, wrong", f"{ADD} --key sealed.pem --passphrase-file wrong", INPUT,
        "the passphrase does not open this key", "or give the public key"),
    row("whole certificate of a key", f"{ADD} --key tls.key --of cert", INPUT, "needs the certificate", "use --cert"),
    row("nothing from a pipe", f"{ADD} --cert /dev/stdin", INPUT, "/dev/stdin: expected an X.509 certificate", "found 0"),
    row("two sources", f"{ADD} --cert cert.pem --key tls.key", USAGE, "--cert and --key each name a pin; give one"),
    row("no source", ADD, USAGE, "expected one of --cert, --key, --csr, --sha256 or --probe, found none"),
    *(row(f"hash {text}", f"{ADD} --sha256 '{text}'", INPUT, "expected 44 characters of base64 (a SHA-256)",
          "found ", "`pintle probe` prints them")
      for text in ("x", PIN[:-1], PIN + "=", PIN.replace("+", "-"), PIN[:-2] + "V=", "e3b0" * 16, f"sha1/{PIN}",
                   f" {PIN}", PIN[:20] + " " + PIN[20:])),
]

NAMES = [
    *(row(f"host {host}", f"pintle host add '{host}' --zone main --repo pins", INPUT, *says) for host, *says in (
        ("h\u00f6st.example", "expected an ASCII host name", "convert the name to A-labels"),
        ("*.example.test", 'found the wildcard "*.example.test"', "name the parent, with subdomains"),
        ("a..example", "expected labels of 1 to 63 characters", "found one of 0"),
        (".example", "found one of 0"), ("example..", "found one of 0"), ("", "expected a host name, found none"),
        ("a b.example", "found byte 0x20"), ("x" * 64 + ".example", "found one of 64"),
        ("1.2.3", "four decimal numbers"), ("127.1", "four decimal numbers"), ("0x7f.1", "four decimal numbers"),
        ("010.0.0.1", "four decimal numbers"), ("256.1.1.1", "four decimal numbers"),
        ("fe80::1%eth0", "without zone id"), (":::", "expected a host name or an IP address"),
        ("https://a.example", "leave out scheme and port"), ("a.example:443", "leave out scheme and port"),
        ("a.example/x", "found byte 0x2f"), ("x." * 130 + "example", "at most 253 characters"))),
    row("subdomains of an address", "pintle host add 192.0.2.1 --subdomains --repo pins", INPUT,
        "192.0.2.1 is an IP address", "leave --subdomains out"),
    row("unknown zone", "pintle host add a.example --zone nowhere --repo pins", INPUT, 'there is no zone "nowhere"',
        "`pintle zone add nowhere`"),
    row("unknown host", f"pintle pin add a.example --sha256 {PIN} --repo pins", INPUT,
        "expected a host of the charter, found a.example", "`pintle host add a.example --zone ZONE`"),
    row("unknown host to release", "pintle host release a.example --repo pins", INPUT, "expected a host of the charter"),
    row("pin that is not there", f"pintle pin remove {HOST} {spki_pin(new_key())} --repo pins", INPUT,
        "has no such pin", f"`pintle pin list {HOST}`"),
    row("zone there already", "pintle zone add main --repo pins", INPUT, 'there is a zone "main" already',
        "choose another name"),
    *(row(f"zone {name}", f"pintle zone add {name} --repo pins", INPUT, "expected a zone name of 1 to 63", f'found "{name}"')
      for name in ("UPPER", "../x", "timestamp", "a_b", "-")),
    row("unknown zone to renew", "pintle zone renew nowhere --repo pins", INPUT,
        'there is no zone "nowhere" to renew', "`pintle zone list`"),
    row("no hosts", "pintle host add --zone main --repo pins", USAGE, "expected HOST or --from FILE, found nothing"),
    row("no hosts to release", "pintle host release --repo pins", USAGE, "expected HOST or --from FILE, found nothing"),
    row("hosts twice", "pintle host add a.example --from list --repo pins", USAGE, "--from FILE and HOST exclude each other"),
    row("one of several hosts", "pintle host add a.example b..example --zone main --repo pins", INPUT, "found one of 0"),
    row("list that is not there", "pintle host add --from nowhere --repo pins", STORAGE, "expected a file at nowhere, found none",
        "check the path"),
    *(row(f"list {name}", f"pintle {command} --from d/list --repo d", INPUT, f"d/list: line {line}: ", *says,
          setup=put("list", text))
      for name, command, text, line, says in (
          ("fields", "host add", b"a.example\nb.example main\n", 2, ("expected HOST alone, found 2 fields",)),
          ("wildcard", "host add", b"# hosts\n\n*.example\n", 3, ("name the parent, with subdomains",)),
          ("unknown host", "host release", b"%s\na.example\n" % HOST.encode(), 2, ("expected a host of the charter",)),
          ("no hash", "pin add", b"%s\n" % HOST.encode(), 1, ("expected HOST,BASE64, found 1 field",)),
          ("hash", "pin add", b"%s,x\n" % HOST.encode(), 1, ("expected 44 characters of base64",)),
          ("pin of an unknown host", "pin add", b"a.example,%s\n" % PIN.encode(), 1, ("`pintle host add a.example",)))),
    row("list with a NUL", "pintle host add --from d/list --repo d", INPUT, "expected lines of text, found a NUL byte",
        setup=put("list", b"a\0b\n")),
    row("list and a source", f"pintle pin add --from list --sha256 {PIN} --repo pins", USAGE,
        "--from and --sha256 each name pins; give one"),
    row("list and a host", f"pintle pin add {HOST} --from list --repo pins", USAGE, "each line of FILE names its host"),
    row("nothing to pin", f"pintle pin add --sha256 {PIN} --repo pins", USAGE, "expected HOST or --from FILE, found nothing"),
    row("unknown zone to remove", "pintle zone remove nowhere --repo pins", INPUT, 'there is no zone "nowhere"'),
    row("zone with hosts", "pintle zone remove main --repo pins", INPUT, f"the charter gives {HOST} to zone main",
        f"`pintle host add {HOST} --zone ZONE`", f"`pintle host release {HOST}`"),
    row("unknown zone's keys", "pintle zone keys nowhere --repo pins", INPUT, 'expected a zone, found "nowhere"',
        "`pintle zone list`"),
    row("zone key that is there", "pintle zone keys main --add team.pem --repo pins", INPUT, "which signs it already"),
    row("zone key of root", "pintle zone keys main --add pins/keys/root-1.pem --repo pins", INPUT,
        "signs root, so it may not sign a zone too"),
    row("last zone key", "pintle zone keys main --remove team.pem --repo pins", INPUT,
        "1 keys must sign, and 0 would be left", "--add FILE"),
    row("zone key that is not there", "pintle zone keys main --remove stranger.pem --repo pins", INPUT,
        "expected a key of zone main, found ", "`pintle zone keys main`"),
    row("zone key id", "pintle zone keys main --remove 12345678 --repo pins", INPUT,
        "expected one key of main whose id begins with 12345678, found 0"),
    row("zone threshold", "pintle zone keys main --threshold 2 --repo pins", INPUT, "2 keys must sign, and 1 would be left"),
    row("zone threshold of none", "pintle zone keys main --threshold 0 --repo pins", USAGE,
        "--threshold needs a whole number from 1"),
    row("zone keys as JSON and an edit", "pintle zone keys main --json --threshold 1 --repo pins", USAGE,
        "--json shows the keys"),
    row("unknown draft", "pintle publish --only nowhere --repo pins", INPUT,
        'expected root, targets or a zone, found "nowhere"', "`pintle status`"),
    row("draft of another to sign", "pintle sign --only root --key team.pem --repo pins", INPUT,
        "root: expected a draft, found none"),
    row("draft that is not there", "pintle publish --only root --repo pins", INPUT, "root: expected a draft, found none",
        "`pintle diff`"),
    row("mode", "pintle host add a.example --mode strict --repo pins", USAGE,
        '--mode needs enforce or report, found "strict"'),
    row("reports to a pinned host", f"pintle charter set --report-url https://{HOST}/r --repo pins", INPUT,
        "expected reports to go to a host that is not pinned", f"found https://{HOST}/r", "name another host"),
    row("reports to nowhere", "pintle charter set --report-url collector --repo pins", INPUT,
        'starts with https:// or http://, found "collector"'),
    row("reports with a password", "pintle charter set --report-url https://u:p@c.example/ --repo pins", INPUT,
        "without credentials"),
    row("pinning the collector", "pintle host add c.example --repo d", INPUT,
        "expected reports to go to a host that is not pinned", "which c.example covers",
        setup=edit("charter", "set", "--report-url", "https://c.example/r")),
    row("pinning above the collector", "pintle host add example.net --subdomains --repo d", INPUT,
        "which example.net covers", setup=edit("charter", "set", "--report-url", "https://c.example.net:8443/r")),
    row("repository name", "pintle init --repo new --name 'a b'", INPUT, 'found "a b"', "say another with --name"),
]

COMMAND_LINES = [
    row("unknown command", "pintle pubish", USAGE, 'there is no command "pubish"', "did you mean `pintle publish`?"),
    row("unknown second word", "pintle host ad x", USAGE, "did you mean `pintle host add`?"),
    row("half a command", "pintle root", USAGE, "expected a command after it, found nothing", "`pintle root --help`"),
    row("help of nothing", "pintle help nonsense", USAGE, 'there is no command "nonsense"', "`pintle help`"),
    row("unknown option", "pintle status --rep pins", USAGE, "there is no option --rep; did you mean --repo?",
        "see `pintle status --help`"),
    row("option that is far off", "pintle status --colour", USAGE, "there is no option --colour",
        "see `pintle status --help`"),
    row("letter", "pintle status -j", USAGE, "there is no option -j; options have long names"),
    row("option without its value", "pintle status --repo", USAGE, "--repo needs DIR after it"),
    row("option with an empty value", "pintle status --repo ''", USAGE, "--repo needs DIR, found nothing"),
    row("option twice", "pintle status --repo pins --repo other", USAGE, "--repo was given twice; give it once"),
    row("flag with a value", "pintle status --json=yes --repo pins", USAGE, '--json takes no value, found "--json=yes"'),
    row("surplus word", "pintle status pins", USAGE, 'expected only options, found "pins"'),
    row("word after --", "pintle status --repo pins -- pins", USAGE, 'expected only options, found "pins"'),
    row("too many options", "pintle sign --repo pins" + " --key team.pem" * 200, USAGE,
        "more than 128 options; give fewer at a time"),
    row("option of another command", f"{ADD} --sha256 {PIN} --zone main", USAGE, "there is no option --zone"),
    row("missing word", f"pintle pin remove {HOST} --repo pins", USAGE, "expected HOST BASE64, found too few names"),
    row("too many words", "pintle zone remove main q --repo pins", USAGE, 'expected ZONE, found "q" after it'),
    row("half a chain", "pintle charter set --want-chain maybe --repo pins", USAGE, "--want-chain needs yes or no",
        'found "maybe"'),
    row("nothing to set", "pintle charter set --repo pins", USAGE, "expected something to set, found nothing"),
    *(row(f"{option} {value}", f"pintle {command} {option} {value}", USAGE, f"{option} needs a whole number from ",
          f"found {value}" if value.isdigit() and len(value) < 12 else f'found "{value}"', "see `pintle ")
      for command, option, value in (
          ("init --repo new", "--threshold", "0"), ("init --repo new", "--threshold", "-1"),
          ("init --repo new", "--threshold", "2"), ("init --repo new", "--offline-keys", "0"),
          ("init --repo new", "--offline-keys", "99999999999999999999"), ("init --repo new", "--offline-keys", "1.5"),
          ("init --repo new", "--offline-keys", "0x3"), ("zone add q --repo pins", "--threshold", "2"),
          ("charter set --repo pins", "--refresh-seconds", "0"), ("charter set --repo pins", "--sample-per-mille", "1001"),
          ("charter set --repo pins", "--max-shipped-age-days", "soon"),
          (f"get https://{HOST}/ --repo pins", "--every", "0"), (f"check {HOST} --repo pins", "--timeout", "601"))),
    row("threshold of none", "pintle root threshold 0 --repo pins", INPUT,
        "expected a threshold from 1 to the number of root keys, 1, found 0", "`pintle root add FILE --role root`"),
    row("threshold above the keys", "pintle root threshold 2 --role targets --repo pins", INPUT, "found 2",
        "`pintle root add FILE --role targets`"),
    row("threshold in words", "pintle root threshold two --repo pins", USAGE, 'expected a number of keys, found "two"'),
    row("huge threshold", "pintle root threshold 99999999999999999999 --repo pins", USAGE, "expected a number of keys"),
    row("role", "pintle root add stranger.pem --role zone --repo pins", USAGE,
        '--role needs root, targets, snapshot or timestamp, found "zone"', "`pintle zone rotate`"),
    row("count without every", f"pintle get https://{HOST}/ --count 3 --repo pins", USAGE, "--count needs --every"),
    row("pinned and unpinned", f"pintle get https://{HOST}/ --require --insecure-unpinned", USAGE,
        "exclude each other; give one"),
]

NETWORK_ROWS = [
    row("nothing to feed", "pintle logfeed", USAGE, "FILE"),
    row("feed: no state", "pintle logfeed text --server http://127.0.0.1:1", USAGE, "--state FILE is missing"),
    row("feed: no server", "pintle logfeed text --state new", USAGE, "--server URL is missing"),
    row("feed: no token", "pintle logfeed text --state new --server http://127.0.0.1:1", USAGE,
        "--token-file FILE is missing, and PINTLE_TOKEN is not set"),
    row("feed: plain HTTP elsewhere", "pintle logfeed text --state new --server http://192.0.2.1:1 --token-file text", INPUT,
        "expected https in --server", "could read the token"),
    row("feed: a name like an address", "pintle logfeed text --state new --server http://127.example:1 --token-file text",
        INPUT, "expected https in --server"),
    row("feed: no URL", "pintle logfeed text --state new --server 127.0.0.1:1 --token-file text", USAGE,
        '--server needs a URL such as http://127.0.0.1:8441, found "127.0.0.1:1"'),
    row("feed: a path", "pintle logfeed text --state new --server http://127.0.0.1:1/v1 --token-file text", USAGE,
        "--server needs scheme, host and port alone"),
    row("feed: no one token", "pintle logfeed text --state new --server http://127.0.0.1:1 --token-file text", INPUT,
        "expected one token alone in text"),
    row("feed: empty token", "pintle logfeed text --state new --server http://127.0.0.1:1 --token-file empty", INPUT,
        "expected a token in empty, found nothing"),
    row("feed: missing token", "pintle logfeed text --state new --server http://127.0.0.1:1 --token-file nowhere", STORAGE,
        "expected a file at nowhere, found none"),
    row("feed: missing log", "pintle logfeed nowhere --dry-run", STORAGE, "expected a log at nowhere"),
    row("feed: a directory", "pintle logfeed pins --dry-run", STORAGE, "expected a log at pins"),
    row("feed: another state", "pintle logfeed text --dry-run --state garbage", INPUT, "garbage is not what logfeed wrote"),
    row("feed: cap", "pintle logfeed text --dry-run --per-source 0", USAGE, "--per-source needs a whole number"),
    row("name that does not resolve", "pintle probe nowhere.invalid", NETWORK, "nowhere.invalid cannot be resolved",
        "check the name, or give its addresses"),
    row("checked name that does not resolve", "pintle check nowhere.invalid --repo pins", NETWORK,
        "nowhere.invalid cannot be resolved"),
    row("got name that does not resolve", "pintle get https://nowhere.invalid/ --repo pins", NETWORK,
        "nowhere.invalid", "check the name, or say where to go with --connect"),
    row("nobody listens", "pintle probe 127.0.0.1:1", NETWORK, "127.0.0.1:1", "Connection refused",
        "check the address and that it listens"),
    row("nobody listens to check", CHECK, NETWORK, "Connection refused", "check the address and that it listens"),
    row("nobody listens to get", GET, NETWORK, "127.0.0.1 port 1", "check the address and that it listens"),
    row("nobody serves the repository", "pintle verify http://127.0.0.1:1", NETWORK,
        "http://127.0.0.1:1/metadata/1.root.json", "check the URL and that it is served"),
    row("nobody serves the manifest", f"{CHECK} --url http://127.0.0.1:1", NETWORK,
        "no manifest is to be had and none is stored: http://127.0.0.1:1/head/1", "check the URL and that it is served"),
    row("URL of the wrong kind", f"{CHECK} --url ftp://127.0.0.1:1", USAGE, "expected https://host/path",
        'found "ftp://127.0.0.1:1"'),
    row("port", "pintle probe 127.0.0.1:99999", INPUT, "expected a port from 1 to 65535", 'found "99999"'),
    row("URL for a host", f"pintle probe https://{HOST}/", INPUT, "expected HOST or HOST:PORT, found the URL",
        "give the host"),
    row("probe: way of the wrong kind", f"pintle probe {HOST} --address 127.0.0.1:x", INPUT, "--address: expected a port"),
    row("probe: kind of key", f"pintle probe {HOST} --key-type dsa", USAGE, '--key-type needs ec, rsa or both, found "dsa"'),
    row("probe: repository", f"pintle probe {HOST} --repo nowhere", STORAGE, "nowhere"),
    row("nobody to connect to", "pintle doctor --probe --repo pins", USAGE, "--probe, --connect and --require need a HOST"),
    row("doctor: way of the wrong kind", f"pintle doctor {HOST} --connect 127.0.0.1:x --repo pins", INPUT,
        "--connect: expected a port"),
    row("doctor: nobody listens", f"pintle doctor {HOST} --connect 127.0.0.1:1 --repo pins", NETWORK, "Connection refused",
        "check the address and that it listens"),
    row("doctor: nothing is known", f"pintle doctor {ROOTS} --repo nowhere --no-refresh", TRUST,
        "no manifest is stored or shipped"),
    row("way of the wrong kind", f"pintle check {HOST} --connect 127.0.0.1:x --repo pins", INPUT, "--connect: expected a port"),
    row("no URL", "pintle get nonsense --repo pins", INPUT, "expected a URL such as https://", 'found "nonsense"'),
    row("URL without TLS", f"pintle get http://{HOST}/ --repo pins", INPUT, "expected an https URL, found http"),
    *(row(f"{command}: {name} as --ca", f"{words} --ca {name}", *want)
      for command, words in (("get", GET), ("check", CHECK), ("probe", f"pintle probe {HOST} --address 127.0.0.1:1"),
                             ("verify", "pintle verify http://127.0.0.1:1"), ("verify a directory", "pintle verify pins"))
      for name, *want in (("garbage", INPUT, "expected PEM certificates in the --ca file garbage, found none"),
                          ("tls.key", INPUT, "is it the right file?"), ("nowhere", STORAGE, "nowhere"))),
]

WRONG_REPOSITORY = [
    row("other roots", "pintle verify other --roots pins/app/roots", TRUST, "under the trust anchor pins/app/roots",
        "is it this repository's?", "0 of 1 required signatures verify"),
    row("other roots at check", f"pintle check {HOST} --connect 127.0.0.1:1 --repo other {ROOTS}", TRUST,
        "the manifest was rejected and none is stored", "is the trust anchor this repository's?"),
    row("other roots at sign", "pintle sign --key team.pem --repo pins --roots other/app/roots", TRUST, "root"),
    row("other roots at diff", "pintle diff --repo pins --roots other/app/roots", TRUST, "root"),
    row("other shipped", f"{CHECK} --shipped other/app/shipped", TRUST, "shipped generation",
        "expected app/roots and app/shipped of one repository, found pins/app/roots and other/app/shipped"),
    row("roots that are shipped", f"{CHECK} --shipped pins/app/roots", INPUT, "shipped generation",
        "expected app/roots and app/shipped of one repository"),
    row("shipped that is roots", f"{CHECK} --roots pins/app/shipped", INPUT,
        "expected app/roots of one repository, found pins/app/shipped"),
    row("garbage roots", f"{CHECK} --roots garbage", INPUT, "expected app/roots of one repository, found garbage"),
    row("empty roots", f"{CHECK} --roots empty", INPUT, "empty: expected app/roots of a repository, found an empty file"),
    row("missing roots", f"{CHECK} --roots nowhere", STORAGE, "expected a file at nowhere, found none"),
    row("empty shipped", f"{CHECK} --shipped empty", INPUT,
        "empty: expected app/shipped of a repository, found an empty file"),
    row("garbage roots to verify", "pintle verify pins --roots garbage", INPUT, "under the trust anchor garbage"),
    row("shipped as roots to verify", "pintle verify pins --roots pins/app/shipped", INPUT,
        "under the trust anchor pins/app/shipped"),
    row("empty roots to verify", "pintle verify pins --roots empty", INPUT, "found an empty file"),
    row("missing roots to diff", "pintle diff --repo pins --roots nowhere", STORAGE, "expected a file at nowhere"),
    row("store that is a file", f"{CHECK} --store text", STORAGE, "cannot open or make the store directory text"),
    row("nothing to enforce", f"{CHECK} --no-refresh", TRUST, "no manifest is stored or shipped",
        "give --store or --shipped"),
    row("no repository to check", f"pintle check {HOST} --repo directory", STORAGE,
        "expected a trust anchor at directory/app/roots, found none", "--repo DIR", "--roots FILE"),
    row("nothing to verify", "pintle verify nowhere", STORAGE, "expected a repository, its public/ directory or a URL",
        'found "nowhere"'),
    row("file to verify", "pintle verify text", STORAGE, 'found "text"'),
    row("forged timestamp", "pintle verify d", TRUST, "timestamp: 0 of 1 required signatures verify",
        setup=signature_altered),
]

STAGE_FILES = [
    *(row(f"{name} as a stage file: {words}", f"pintle {words.replace('FILE', name)}", code, *says)
      for words in ("diff --stage FILE", f"sign --stage FILE --key team.pem {ROOTS}", "status --stage FILE",
                    "stage import FILE --repo pins")
      for name, code, *says in (
          ("nowhere", STORAGE, "expected a file at nowhere, found none; check the path"),
          ("directory", STORAGE, "expected a file at directory, found a directory"),
          ("empty", INPUT, "empty: expected a file that `pintle stage export` made"),
          ("garbage", INPUT, "garbage: expected a file that `pintle stage export` made"),
          ("cert.pem", INPUT, "cert.pem: expected a file that `pintle stage export` made"),
          ("pins/app/roots", INPUT, "pins/app/roots: expected a file that `pintle stage export` made"))),
    row("repository and stage file", "pintle diff --stage staged --repo pins", USAGE,
        "expected --repo or --stage, found both"),
    row("export to nothing", "pintle stage export --repo pins", USAGE, "expected FILE, found nothing"),
    row("export over a file", "pintle stage export text --repo pins", STORAGE, "expected a name that is free, found text"),
    row("export into nowhere", "pintle stage export no/such/file --repo pins", STORAGE, "no/such"),
    row("export of nothing", "pintle stage export new --repo other", INPUT, "expected a staged change to export, found none"),
    row("import without signatures", "pintle stage import staged --repo pins", INPUT,
        "staged: expected signatures, found none", "`pintle sign --stage`"),
    row("import into another repository", "pintle stage import staged --repo elsewhere", TRUST,
        'expected a stage of repository "elsewhere", found one of "pins"', "name another with --repo"),
    row("a key that may not sign the stage file", f"pintle sign --stage staged --key stranger.pem {ROOTS}", INPUT,
        "expected a key that may sign a draft, found stranger.pem"),
    row("other roots for a stage file", "pintle diff --stage staged --roots other/app/roots", TRUST, "root 1"),
    row("keys of nobody", "pintle resign --always --key nowhere --repo pins", STORAGE, "nowhere"),
]

REPOSITORY = [
    *(row(f"{words}: no repository", f"pintle {words} --repo {place}", STORAGE, f"there is no repository in {place}",
          f"`pintle init --repo {place}`", "--repo")
      for words in ("status --json", "publish", "host add a.example", "stage drop", "stage export new",
                    "stage import empty", "resign", "diff") for place in ("nowhere", "text")),
    row("init over a repository", "pintle init --repo pins", STORAGE, "pins/repository.json is there already",
        "choose an empty directory"),
    row("init over a file", "pintle init --repo text", STORAGE, "text is in the way", "a directory is needed"),
    row("init too deep", "pintle init --repo no/such/place", STORAGE, "cannot make the directory no/such/place",
        "No such file or directory; check the path"),
    *(row(f"settings: {name}", "pintle status --json --repo d", INPUT, "d/repository.json: ", *says, setup=setup)
      for name, setup, *says in (
          ("empty", put("repository.json", b""), "expected settings, found an empty file", "put back a copy"),
          ("cut", cut("repository.json"), "found the end"),
          ("no JSON", put("repository.json", b"name: pins"), "byte 1"),
          ("newer", replace("repository.json", '"spec": 1', '"spec": 2'), 'expected "spec" 1, found 2',
           "use the version of pintle that wrote it"),
          ("unknown", replace("repository.json", '"expires_days"', '"expire_days"'),
           "expected name, spec and expires_days", 'found an unknown setting "expire_days"'),
          ("unknown role", replace("repository.json", '"zone"', '"zones"'), 'found an unknown setting "zones"'),
          ("days", replace("repository.json", '"root": 365', '"root": 0'), '"root" must be from 1 to 3650, found 0'),
          ("days in words", replace("repository.json", '"root": 365', '"root": "a year"'), '"root" must be an integer'))),
    *(row(f"{file}: {name}, {words}", f"pintle {words} --repo d", INPUT, f"stage/{file}: ", *says,
          "put back a copy, or throw the draft away: `pintle stage drop`", setup=setup)
      for words in ("status --json", "publish")
      for file, name, setup, *says in (
          ("zones/main.json", "empty", put("stage/zones/main.json", b""), "expected JSON, found an empty file"),
          ("zones/main.json", "cut", cut("stage/zones/main.json"), "found the end"),
          ("zones/main.json", "newer", replace("stage/zones/main.json", '"format":1', '"format":2'),
           "expected format 1, found 2"),
          ("zones/main.json", "older", replace("stage/zones/main.json", '"format":1', '"format":0'),
           "expected format 1, found 0"),
          ("metadata/main.json", "empty", put("stage/metadata/main.json", b""), "found an empty file"),
          ("metadata/main.json", "garbage", put("stage/metadata/main.json", b"x"), "byte 0"),
          ("charter.json", "empty", edit("host", "add", "b.example", then=put("stage/charter.json", b"")),
           "found an empty file"),
          ("charter.json", "cut", edit("host", "add", "b.example", then=cut("stage/charter.json")), "charter"),
          ("metadata/targets.json", "empty", edit("charter", "renew", then=put("stage/metadata/targets.json", b"")),
           "found an empty file"),
          ("metadata/targets.json", "cut", edit("charter", "renew", then=cut("stage/metadata/targets.json")), "byte "),
          ("metadata/root.json", "empty", edit("root", "renew", then=put("stage/metadata/root.json", b"")),
           "found an empty file"))),
    *(row(f"public: {name}, {words}", f"pintle {words} --repo d", code, *says, "restore it from a copy", setup=setup)
      for words in ("status", "publish")
      for name, setup, code, *says in (
          ("timestamp empty", put("public/metadata/timestamp.json", b""), INPUT, "public/metadata/timestamp.json"),
          ("timestamp cut", cut("public/metadata/timestamp.json"), INPUT, "public/metadata/timestamp.json"),
          ("timestamp missing", remove("public/metadata/timestamp.json"), STORAGE,
           "public/metadata/timestamp.json is missing"),
          ("root empty", put("public/metadata/1.root.json", b""), INPUT, "public/metadata/1.root.json"),
          ("root missing", remove("public/metadata/1.root.json"), STORAGE, "public/metadata/1.root.json is missing"),
          ("all missing", remove("public"), STORAGE, "public/metadata/1.root.json is missing"),
          ("snapshot damaged", put("public/metadata/2.snapshot.json", b"x"), STORAGE,
           "public/metadata/2.snapshot.json is not the file that the metadata list"),
          ("snapshot missing", remove("public/metadata/2.snapshot.json"), STORAGE,
           "public/metadata/2.snapshot.json is missing"),
          ("charter damaged", only_charter(b"{}"), STORAGE, "charter.json is not the file that the metadata list"))),
    row("settings unreadable", "pintle status --repo d", STORAGE, "d/repository.json", "Permission denied",
        setup=mode("repository.json", 0)),
    row("keys unreadable", "pintle publish --repo d", STORAGE, "d/keys", "Permission denied", setup=mode("keys", 0)),
    row("key unreadable", f"{SIGN} d/keys/zone-main.pem", STORAGE,
        "d/keys/zone-main.pem cannot be read: Permission denied; check its owner and mode",
        setup=mode("keys/zone-main.pem", 0)),
    row("public unreadable", "pintle verify d", NETWORK, "d/public", "Permission denied", setup=mode("public", 0)),
    *(row(f"read-only: {words}", f"pintle {words} --repo d", STORAGE, "d/", "Permission denied; check owner and mode", setup=read_only)
      for words in ("publish", f"pin add {HOST} --key tls.key", "host release " + HOST, "stage drop", "zone add q",
                    "root rotate --online", "resign --always", "stage import staged")),
    row("export where nothing may be made", "pintle stage export d/new --repo pins", STORAGE, "d/.new",
        "Permission denied; check owner and mode", setup=read_only),
    row("init where nothing may be made", "pintle init --repo d/new", STORAGE, "d/new", "Permission denied",
        setup=read_only),
    row("lock in the way", "pintle publish --repo d", STORAGE, "d/lock", "Is a directory",
        setup=lambda world, copy: (os.unlink(copy / "lock"), (copy / "lock").mkdir())),
    row("stage in the way", "pintle host add b.example --repo d", STORAGE, "d/stage is in the way",
        "a directory is needed", setup=lambda world, copy: (shutil.rmtree(copy / "stage"), put("stage", b"")(world, copy))),
    row("another repository's public files", "pintle status --json --repo d", INPUT,
        'expected what repository "pins" publishes in public/', 'found that of "other"', "from a copy",
        setup=lambda world, copy: shutil.copytree(world / "other" / "public", copy / "public", dirs_exist_ok=True)),
    row("another repository's settings", "pintle publish --repo d", INPUT, 'found that of "pins"',
        setup=taken("other/repository.json", "repository.json")),
    row("settings that are a directory", "pintle status --repo d", STORAGE,
        "expected a file at d/repository.json, found something else; move it away",
        setup=lambda world, copy: (os.unlink(copy / "repository.json"), (copy / "repository.json").mkdir())),
    row("long path", f"pintle status --repo {'x' * 5000}", INPUT, "expected a directory of 1 to 4095 bytes, found 5000",
        "use a shorter path"),
    row("keys in the way", "pintle publish --repo d", STORAGE, "cannot list d/keys: Not a directory; check the path",
        setup=lambda world, copy: (shutil.rmtree(copy / "keys"), put("keys", b"")(world, copy))),
    row("bare host", "pintle publish --repo d", INPUT, "host b.example: enforced without any usable pin",
        "publish a pin in zone main", setup=edit("host", "add", "b.example")),
    row("every pin denied", "pintle publish --repo d", INPUT, "enforced, but every pin of it is denied",
        "publish a pin in zone main that is not denied",
        setup=lambda world, copy: [edit("pin", "add", HOST, *words, "--deny", "--permanent")(world, copy)
                                   for words in (["--key", world / "tls.key"], ["--sha256", PIN])]),
    row("nothing to sign", f"pintle sign --key team.pem --repo d {ROOTS}", INPUT,
        "expected a staged change to sign, found none", "see `pintle diff`", setup=edit("stage", "drop")),
]

OTHER = "b.example"


def charter(old, new):
    """A staged charter that lists OTHER too, changed by hand or by another program."""
    return edit("host", "add", OTHER, "--mode", "report", "--zone", "main", then=replace("stage/charter.json", old, new))


def zone(old, new):
    return replace("stage/zones/main.json", old, new)


def after_publishing(words, then):
    def change(world, copy):
        pintle_ok(*words, "--repo", copy)
        pintle_ok("publish", "--repo", copy)
        then(world, copy)
    return change


# docs/design.md, 5.2 and 5.3: what a client would reject or ignore is not published, nor signed, however it got there.
RULES = [
    *(row(f"{file}: {name}", f"pintle {words} --repo d", INPUT, f"stage/{file}", *says, setup=setup)
      for words in ("publish", "sign --key team.pem")
      for file, name, setup, *says in (
          ("charter.json", "upper case", charter(OTHER, "B.example"), 'expected the normal form "b.example"'),
          ("charter.json", "trailing dot", charter(OTHER, OTHER + "."), 'expected the normal form "b.example"'),
          ("charter.json", "wildcard", charter(OTHER, "*.example"), "name the parent, with subdomains"),
          ("charter.json", "U-label", charter(OTHER, "h\u00f6st.example"), "convert the name to A-labels"),
          ("charter.json", "address with subdomains", charter(f'{OTHER}","subdomains":false', '192.0.2.1","subdomains":true'),
           "an IP address has no subdomains"),
          ("charter.json", "host twice", charter(OTHER, HOST), f'expected each name once, found "{HOST}" twice'),
          ("charter.json", "mode", charter('"report"', '"watch"'), '"enforce" or "report"'),
          ("charter.json", "zone name", charter('"zone":"main"', '"zone":"../x"'), "1 to 63 of a-z, 0-9"),
          ("charter.json", "format", charter('"format":1', '"format":2'), "expected format 1, found 2"),
          ("charter.json", "type", charter("pintle-charter", "pintle-zone"), 'expected "type" to be "pintle-charter"'),
          ("charter.json", "critical", charter('"critical":[]', '"critical":["quorum"]'), 'the critical field "quorum"'),
          ("charter.json", "unknown field", charter('"critical":[]', '"critical":[],"quorum":2'), "found more or another order"),
          ("charter.json", "float", charter('"format":1', '"format":1.0'), "stage/charter.json"),
          ("charter.json", "duplicate member", charter('"format":1', '"format":1,"format":1'), "stage/charter.json"),
          ("charter.json", "released wildcards", charter('"released":[]', '"released":["*.*.example"]'), "name the parent"),
          ("zones/main.json", "upper case", zone(HOST, HOST.upper()), f'expected the normal form "{HOST}"'),
          ("zones/main.json", "another zone", zone('"zone":"main"', '"zone":"other"'), "expected a file of this zone"),
          ("zones/main.json", "type", zone("pintle-zone", "pintle-charter"), 'expected "type" to be "pintle-zone"'),
          ("zones/main.json", "critical", zone('"critical":[]', '"critical":["quorum"]'), 'the critical field "quorum"'),
          ("zones/main.json", "unknown kind", zone('"at":"leaf"', '"at":"root"'), "found more or another order"),
          ("zones/main.json", "unknown hash", zone('"of":"spki"', '"of":"name"'), "found more or another order"),
          ("zones/main.json", "hash", zone(PIN, PIN[:-2] + "V="), "44 characters of base64"))),
    *(row(name, f"pintle {words} --repo d", code, *says, setup=setup)
      for words in ("publish", "sign --key team.pem")
      for name, code, setup, *says in (
          ("a host omitted", TRUST, charter(f'"host":"{HOST}"', '"host":"apj.example"'),
           f"expected the charter to list {HOST}, which is in force", "list it or release it"),
          ("a zone that is not delegated", INPUT, charter('"mode":"report","zone":"main"', '"mode":"report","zone":"other"'),
           "zone other: the charter names it but it has no file"),
          ("a zone that oversteps", INPUT, zone('"hosts":[', '"hosts":[{"host":"a.example","pins":[],"deny":[]},'),
           "what it says about host a.example has no effect: the charter does not list that host"),
          ("a zone's denial of a charter pin", INPUT,
           edit("pin", "add", HOST, "--sha256", PIN, "--permanent",
                then=zone('"deny":[]', f'"deny":[{{"sha256":"{PIN}","of":"spki"}}]')),
           "only the charter can deny it"),
          ("subdomains turned off", TRUST, after_publishing(["host", "add", HOST, "--subdomains"],
                                                           charter('"subdomains":true', '"subdomains":false')),
           f"expected the charter to cover the subdomains of {HOST}", f'release "*.{HOST}"'),
          ("a release taken back", INPUT, after_publishing(["host", "release", HOST],
                                                          charter(f'"released":["{HOST}"]', '"released":[]')),
           f'expected "released" to keep "{HOST}", found it gone', "put it back"),
          ("a host of another zone", INPUT, after_publishing(["zone", "add", "other"],
                                                            charter(f'"{HOST}","subdomains":false,"mode":"enforce","zone":"main"',
                                                                    f'"{HOST}","subdomains":false,"mode":"report","zone":"other"')),
           "the charter gives that host to zone other"))),
]

STREAMS = [
    *(row(f"{words}, output {name}", f"pintle {words}", STORAGE, "the output could not be written completely",
          "see where standard output goes", where=where)
      for words in ("status --repo pins", "status --json --repo pins", "help", "--version", "pin list --repo pins")
      for name, where in (("full", ">/dev/full"), ("closed", ">&-"))),
    row("an error and no output", "pintle status --json --repo nowhere", STORAGE, "there is no repository in nowhere",
        where=">&-"),
    row("an error with JSON", "pintle diff --json --repo nowhere", STORAGE, "there is no repository in nowhere"),
]

PINTLED = [
    row("no repository", "pintled --data new", USAGE, "--repo DIR is missing", "pintled --help"),
    row("no data", "pintled --repo pins", USAGE, "--data DIR is missing", "pintled --help"),
    row("unknown option", "pintled --repo pins --data new --colour", USAGE, "there is no option --colour", "--help"),
    row("surplus word", "pintled --repo pins more", USAGE, 'expected only options, found "more"'),
    row("a mistyped command", "pintled bakcup", USAGE, 'there is no command "bakcup"', "did you mean `pintled backup`"),
    row("half a command", "pintled token", USAGE, "expected a command after it, found nothing"),
    row("a backup to nowhere", "pintled backup --data new", USAGE, "expected FILE|DIR, found nothing"),
    row("a backup of nothing", "pintled backup --data new copy", 1, "--data new", "No such file"),
    row("a restore of nothing", "pintled restore --repo pins --data new nothing.db", 1, "expected a backup made by"),
    row("a restore of something else", "pintled restore --repo pins --data new text", 1, "text"),
    row("a setting that the command has not", "pintled backup --repo pins --data new copy", USAGE, "there is no option --repo"),
    row("no such command", "pintled pins", USAGE, 'there is no command "pins"', "pintled --help"),
    row("no configuration file", "pintled --config no/such", CONFIG, "no/such"),
    row("configuration that is no text", "pintled --config cert.der", CONFIG, "cert.der: expected text, found a NUL byte"),
    row("configuration that is a page", "pintled --config text", CONFIG, "text:1: expected \"key = value\""),
    row("option without its value", "pintled --repo", USAGE, "--repo needs [NAME=]DIR after it"),
    row("option twice", "pintled --repo pins --repo other --data new", USAGE, "--repo: given twice",
        "NAME=DIR"),
    row("webhook without a form", "pintled --repo pins --data new --webhook https://a.example/x", USAGE,
        "--webhook: expected v4=URL, json=URL or alertmanager=URL"),
    row("webhook that is no URL", "pintled --repo pins --data new --webhook json=a.example", USAGE,
        "--webhook: expected an http:// or https:// URL with a host after json="),
    row("too many webhooks", "pintled --repo pins --data new" + 5 * " --webhook v4=https://a.example/", USAGE,
        "--webhook: expected at most 4 of them, found more"),
    row("alerts about nothing", "pintled --repo pins --data new --alert-mismatches 0", USAGE, "--alert-mismatches"),
    row("address", "pintled --repo pins --data new --listen 8440", USAGE, "expected an IP address and a port",
        'found "8440"'),
    row("port", "pintled --repo pins --data new --listen 127.0.0.1:99999", USAGE, 'found "127.0.0.1:99999"'),
    row("administration for everybody", "pintled --repo pins --data new --admin 0.0.0.0:8441", USAGE,
        "--admin must be on loopback"),
    row("no name", "pintled --repo Shop=pins --data new", USAGE, "expected NAME=DIR", 'found "Shop=pins"'),
    row("name of a path", "pintled --repo head=pins --data new", USAGE, "that is no path of the server"),
    row("keys of nothing", "pintled --repo shop=pins --keys bank=keys --data new", USAGE, "--repo bank=DIR is missing"),
    row("half of TLS", "pintled --repo pins --data new --tls-cert cert.pem", USAGE, "--tls-key FILE is missing"),
    row("certificates of clients without TLS", "pintled --repo pins --data new --admin 127.0.0.1:0 --admin-client-ca cert.pem",
        USAGE, "--tls-cert FILE is missing"),
    row("certificates of clients for everybody",
        "pintled --repo pins --data new --tls-cert cert.pem --tls-key key.pem --admin-client-ca cert.pem", USAGE,
        "--admin ADDR:PORT is missing"),
    row("token without a name", "pintled token add --scope admin --data new", USAGE, "expected NAME, found nothing"),
    row("token without a scope", "pintled token add ci --data new", USAGE, "--scope SCOPE is missing"),
    row("token of no scope", "pintled token add ci --scope root --data new", USAGE,
        'expected a scope of reader, operator, publisher or admin, found "root"'),
    row("token with a path for a name", "pintled token add ../ci --scope admin --data new", USAGE, "expected a name of 1 to 64"),
    row("token for ever and a day", "pintled token add ci --scope admin --expires 3651 --data new", USAGE, "from 1 to 3650"),
    row("token that is none", "pintled token revoke ci --data pins", 1, "pins holds no database"),
    row("tokens of nowhere", "pintled token list --data nowhere", 1, "--data nowhere cannot be used"),
    row("journal of nowhere", "pintled journal verify --data nowhere", 1, "--data nowhere cannot be used"),
    row("journal with half a head", "pintled journal verify --expect 12:ab --data pins", 1, "pins holds no database"),
    row("no connections", "pintled --repo pins --data new --connections 0", USAGE, "a whole number from 16 to 200000"),
    row("number", "pintled --repo pins --data new --resign-every 0", USAGE, "a whole number from 1 to 3600", 'found "0"'),
    row("huge number", "pintled --repo pins --data new --keep-reports 99999999999999999999", USAGE, "a whole number"),
    row("nothing to serve", "pintled --repo nowhere --data new --listen 127.0.0.1:0", 1, "nowhere is not a repository",
        "`pintle init --repo nowhere`"),
    row("data in the way", "pintled --repo pins --data text --listen 127.0.0.1:0", 1, "text is in the way"),
    row("data too deep", "pintled --repo pins --data no/such --listen 127.0.0.1:0", 1, "no/such"),
    row("data among the public files", "pintled --repo pins --data pins/public/data --listen 127.0.0.1:0", 1,
        "lies among the public files", "move it"),
    row("another machine's address", "pintled --repo pins --data new --listen 192.0.2.1:8440", 1,
        "cannot listen on 192.0.2.1:8440", "give an address of this machine"),
]

TABLE = {"key files": KEY_FILES, "one key, one role": ONE_KEY_ONE_ROLE, "certificates": CERTIFICATES, "names": NAMES,
         "command lines": COMMAND_LINES, "network": NETWORK_ROWS, "wrong repository": WRONG_REPOSITORY, "stage files": STAGE_FILES,
         "repository": REPOSITORY, "rules": RULES, "streams": STREAMS, "pintled": PINTLED}


ORDINARY = [program("setpriv"), "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else ["env"]


def run(world, words, where=""):
    """The command as a shell runs it, in the world; for root, files have modes too."""
    name, *rest = shlex.split(words)
    return subprocess.run([*ORDINARY, "/bin/sh", "-c", f'exec "$@" {where}', "sh", binary(name), *rest], cwd=world,
                          timeout=30, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          env=clean_environment())


def judge(name, done, code, says):
    """One line that says all of it, and nothing on standard output."""
    where = f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
    assert done.returncode == code, where
    assert done.stdout == "", where
    lines = done.stderr.splitlines()
    if name == "pintled":  # after what it logged
        lines = [line for line in lines if not line.startswith("20")]
    assert len(lines) == 1 and lines[0].startswith(name), where
    assert lines[0].isprintable(), where
    for text in says:
        assert text in lines[0], where


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{chapter}: {case.name}")
                                  for chapter, cases in TABLE.items() for case in cases])
def test_it_is_told_and_nothing_is_lost(world, late_publisher, case):
    copy = world / "d"
    if case.setup:
        shutil.copytree(world / "pins", copy)
    try:
        if case.setup:
            case.setup(world, copy)
        before = tree(world)
        judge(case.words.split()[0], run(world, case.words, case.where), case.code, case.says)
        assert tree(world) == before
    finally:
        for path in [copy, *copy.rglob("*")] if case.setup else ():
            path.chmod(0o700)
        shutil.rmtree(copy, ignore_errors=True)


@pytest.mark.parametrize("spelling", ["B.Example.TEST", "b.example.test.", "B.EXAMPLE.TEST."])
def test_spellings_of_a_name_are_that_name(world, spelling):
    """Upper case and a final dot are no mistakes."""
    try:
        shutil.copytree(world / "pins", world / "d")
        done = run(world, f"pintle host add {spelling} --zone main --repo d")
        assert done.returncode == 0
        assert done.stdout.startswith("b.example.test: zone main, enforce\n")
    finally:
        shutil.rmtree(world / "d")


# ---- what needs somebody else ----


@pytest.fixture
def port_in_use():
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_port_in_use(world, port_in_use, tmp_path):
    before = tree(world)
    done = run(world, f"pintled --repo pins --data {tmp_path}/data --listen {LOOPBACK}:{port_in_use}")
    judge("pintled", done, 1, [f"cannot listen on {LOOPBACK}:{port_in_use}", "Address already in use",
                               "another program listens there: stop it, or choose another port"])
    assert tree(world) == before


def test_two_pintled_on_one_data_directory(world, tmp_path):
    first = Pintled(world / "other", tmp_path / "data")
    try:
        before = tree(world)
        done = run(world, f"pintled --repo other --data {tmp_path}/data --listen {LOOPBACK}:0")
        judge("pintled", done, 1, [f"--data {tmp_path}/data cannot be locked", "in use by another pintled",
                                   "stop that one or give this one another directory"])
        assert tree(world) == before
        assert first.get("/healthz")[0] == 200
    finally:
        first.stop()


@pytest.mark.parametrize("damage", [None, b"", b"garbage"], ids=["other", "empty", "garbage"])
def test_a_store_of_another_repository(world, tmp_path, damage):
    """The store is told of, nothing in it is believed, and it stays until there is something better."""
    store, check = tmp_path / "store", f"pintle check {HOST} --connect 127.0.0.1:1 --store {tmp_path}/store"
    assert run(world, f"{check} --repo pins").returncode == NETWORK
    if damage is not None:
        (store / "accepted").write_bytes(damage)
    before = (store / "accepted").read_bytes()
    done = run(world, f"{check} --url http://127.0.0.1:1 --roots {'pins' if damage is not None else 'other'}/app/roots")
    assert (done.returncode, done.stdout) == (NETWORK, "")
    told, = [line for line in done.stderr.splitlines() if line.startswith("storage: ")]
    assert "is --store that of another repository? Give each one of its own" in told
    assert "hosts that are not shipped with pins are refused" in done.stderr
    assert (store / "accepted").read_bytes() == before


@pytest.fixture(scope="module")
def late_publisher(world, tmp_path_factory):
    """A publisher that finds another one at work.  It is started first and asked last, for it waits a while."""
    busy = tmp_path_factory.mktemp("busy") / "pins"
    shutil.copytree(world / "pins", busy)
    with open(busy / "lock", "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with subprocess.Popen([binary("pintle"), "publish", "--repo", "pins"], cwd=busy.parent, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=clean_environment()) as process:
            yield process, busy, tree(busy)


def test_a_publish_while_another_runs(late_publisher):
    """Last, so that the wait of 15 seconds passes beside the others."""
    process, busy, before = late_publisher
    said = process.communicate(timeout=30)
    judge("pintle", subprocess.CompletedProcess(process.args, process.returncode, *said), STORAGE,
          ["another process has held pins/lock for 15 s", "wait for it to finish, then repeat the command"])
    assert tree(busy) == before
