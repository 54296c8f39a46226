# SPDX-License-Identifier: Apache-2.0
"""The servers of the suite (tests/suite/expectations): who serves what, under which authorities.

Two roots are trusted: "Suite Root", over "Suite Issuing CA", which issues what is pinned; and "Other Trusted Root", the
one that issues what it should not.  Every leaf carries the names of all policies, so that the name is never the reason,
unless a scene is about names.
"""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from pki import build, cert_pem, common_name, dns_or_ip, key_pem, new_key

CHAIN_MAX = 17  # one more than PINTLE_CHAIN_MAX
AGES = {"now": (-1, 1200), "expired": (-30, -1), "early": (1, 1200)}


class Ca:
    """An authority as public ones are: with key identifiers.  ca: whether it says that it is one."""

    def __init__(self, name, parent=None, key=None, path_length=None, ca=True):
        self.name, self.key, self.parent = common_name(name), key or new_key(), parent
        self.certificate = certify(parent or self, self.name, self.key, [(x509.BasicConstraints(
            ca, path_length if ca else None), True), (x509.KeyUsage(True, False, False, False, False, ca, ca, False, False),
                                                      True)])

    def leaf(self, key, names, age="now", subject="leaf", usage=ExtendedKeyUsageOID.SERVER_AUTH):
        extensions = [(x509.BasicConstraints(False, None), True), (x509.ExtendedKeyUsage([usage]), False),
                      (x509.SubjectAlternativeName([dns_or_ip(name) for name in names]), not subject)]
        return certify(self, common_name(subject), key, extensions, AGES[age])


def certify(issuer, subject, key, extensions, days=(-1, 1500)):
    identifiers = [(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
                   (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False)]
    return build(subject, key.public_key(), issuer.name, issuer.key, days, extensions + identifiers)


class Scenes:
    """.certificates: by the names that policies use.  .trust: CA files by name.  .ports: of the servers, by name."""

    def __init__(self, directory, nginx, names):
        self.directory, self.nginx, self.names = directory, nginx, names
        self.certificates, self.trust, self.sites = {}, {}, {}
        directory.mkdir(parents=True)
        self.root, self.rogue = Ca("Suite Root"), Ca("Other Trusted Root")
        self.issuing = Ca("Suite Issuing CA", self.root)
        self.key, self.stray_key = new_key(), new_key()
        self.good = self.issuing.leaf(self.key, names)
        self.stray = self.issuing.leaf(self.stray_key, names)
        self.forged = self.rogue.leaf(self.stray_key, names)  # what an attacker has: a valid certificate, not a pinned one
        self.tail = [self.issuing.certificate]
        self.certificates.update(leaf=self.good, stray=self.stray, issuing=self.issuing.certificate,
                                 root=self.root.certificate, rogue=self.rogue.certificate)
        self.trusted("both", self.root, self.rogue)
        self.trusted("root", self.root)
        self.trusted("rogue", self.rogue)
        for make in (self.usual, self.validation, self.key_types, self.name_forms, self.lengths, self.same_name,
                     self.cross_signed, self.appended, self.built_by_others):
            make()

    def trusted(self, name, *authorities):
        path = self.directory / f"{name}.pem"
        path.write_bytes(b"".join(cert_pem(authority.certificate) for authority in authorities))
        self.trust[name] = path

    def serve(self, name, key, *chain, options=""):
        chain_file, key_file = self.directory / f"{name}.chain", self.directory / f"{name}.key"
        chain_file.write_bytes(b"".join(map(cert_pem, chain)))
        key_file.write_bytes(key_pem(key))
        self.sites[name] = self.nginx.serve(name, chain_file, key_file, options=options)

    def port(self, name):
        return self.sites[name].port

    def usual(self):
        self.serve("chain", self.key, self.good, *self.tail)
        self.serve("tickets", self.key, self.good, *self.tail, options="ssl_session_cache none; ssl_session_tickets on;")
        self.serve("ids", self.key, self.good, *self.tail, options="ssl_session_tickets off;")
        self.serve("early", self.key, self.good, *self.tail, options="ssl_early_data on;")

    def validation(self):
        for age in ("expired", "early"):
            self.serve({"expired": "expired", "early": "not-yet"}[age], self.key,
                       self.issuing.leaf(self.key, self.names, age), *self.tail)
        self.serve("other-name", self.key, self.issuing.leaf(self.key, ["other.test"]), *self.tail)
        self.serve("client-only", self.key, self.issuing.leaf(
            self.key, self.names, usage=ExtendedKeyUsageOID.CLIENT_AUTH), *self.tail)
        alone = Ca("Self-signed", key=self.key)
        self.serve("self-signed", self.key, alone.leaf(self.key, self.names, subject="Self-signed"))
        self.serve("no-intermediate", self.key, self.good)
        # The signature of the pinned leaf itself is somebody else's.
        impostor = Ca("Suite Issuing CA")
        impostor.parent = self.root
        self.serve("bad-signature", self.key, impostor.leaf(self.key, self.names), *self.tail)

    def key_types(self):
        kinds = {"p256": self.key, "p384": ec.generate_private_key(ec.SECP384R1()),
                 "rsa": rsa.generate_private_key(65537, 2048), "ed25519": ed25519.Ed25519PrivateKey.generate()}
        for kind, key in kinds.items():
            self.certificates[kind] = self.issuing.leaf(key, self.names)
            self.serve(kind, key, self.certificates[kind], *self.tail)

    def name_forms(self):
        self.serve("wildcard", self.key, self.issuing.leaf(self.key, ["*.tree.test"]), *self.tail)
        self.serve("san-only", self.key, self.issuing.leaf(self.key, self.names, subject=""), *self.tail)
        many = [f"host-{number}.test" for number in range(150)]
        self.serve("many-san", self.key, self.issuing.leaf(self.key, [*many, "leaf.test"]), *self.tail)
        self.serve("ip", self.key, self.issuing.leaf(self.key, ["127.0.0.1"]), *self.tail)

    def lengths(self):
        """length-N: N certificates from leaf to anchor, over one ladder of authorities.  length-1 is trusted itself."""
        alone = Ca("leaf", key=self.key)
        alone.certificate = alone.leaf(self.key, self.names)
        self.serve("length-1", self.key, alone.certificate)
        ladder = [Ca("Ladder 0")]
        self.trusted("ladder", ladder[0], alone)
        for length in range(2, CHAIN_MAX + 1):
            sent = [rung.certificate for rung in reversed(ladder[1:])]
            self.serve(f"length-{length}", self.key, ladder[-1].leaf(self.key, self.names), *sent)
            ladder.append(Ca(f"Ladder {length - 1}", ladder[-1]))

    def same_name(self):
        """Another hierarchy under the same names, trusted too."""
        twin_root = Ca("Suite Root")
        twin = Ca("Suite Issuing CA", twin_root)
        self.serve("twin", self.key, twin.leaf(self.key, self.names), twin.certificate)
        self.trusted("twins", twin_root, self.root)

    def cross_signed(self):
        """One intermediate key, certified by both roots; and the first root's key, certified by the second root."""
        key = new_key()
        new, old = Ca("Suite Cross CA", self.root, key), Ca("Suite Cross CA", self.rogue, key)
        leaf = new.leaf(self.key, self.names)
        self.certificates["cross"] = new.certificate
        self.serve("cross-root", self.key, leaf, new.certificate)
        self.serve("cross-rogue", self.key, leaf, old.certificate)
        self.serve("cross-both", self.key, leaf, new.certificate, old.certificate)
        bridge = Ca("Suite Root", self.rogue, self.root.key)
        self.serve("bridge", self.key, self.good, *self.tail, bridge.certificate)

    def appended(self):
        """A chain of the other root, and with it what is pinned (CVE-2016-2402)."""
        second = Ca("Other Issuing CA", self.rogue)
        below = second.leaf(self.stray_key, self.names)
        pinned = [self.good, *self.tail, self.root.certificate]
        self.serve("appended-leaf", self.stray_key, self.forged, self.good)
        self.serve("appended-chain", self.stray_key, self.forged, *pinned)
        self.serve("inserted-chain", self.stray_key, below, *pinned, second.certificate)
        borrowed = Ca("Borrowed", key=new_key())
        self.serve("appended-key", self.stray_key, self.forged, borrowed.leaf(self.key, self.names))
        middle = Ca("Other CA with the pinned leaf's key", self.rogue, self.key)
        self.serve("key-in-the-middle", self.stray_key, middle.leaf(self.stray_key, self.names), middle.certificate)

    def built_by_others(self):
        """Chains that a second builder, or one that links by name, takes for another than the one that was verified."""
        namesake = Ca("Suite Issuing CA", self.rogue)
        by_name = namesake.leaf(self.stray_key, self.names)
        self.serve("linked-by-name", self.stray_key, by_name, *self.tail, namesake.certificate)
        key = new_key()
        swapped = Ca("Swapped", self.rogue, key)
        leaf = swapped.leaf(self.stray_key, self.names)
        no_ca = Ca("Swapped", self.issuing, key, ca=False)
        self.serve("signer-is-no-ca", self.stray_key, leaf, swapped.certificate, no_ca.certificate, *self.tail)
        self.serve("signer-is-no-ca-first", self.stray_key, leaf, no_ca.certificate, *self.tail, swapped.certificate)
        short = Ca("Suite Short CA", self.root, path_length=0)
        too_deep = Ca("Swapped", short, key)
        self.certificates["short"] = short.certificate
        self.serve("too-deep", self.stray_key, leaf, swapped.certificate, too_deep.certificate, short.certificate)
        self.serve("too-deep-first", self.stray_key, leaf, too_deep.certificate, short.certificate, swapped.certificate)
