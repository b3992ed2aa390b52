# SPDX-License-Identifier: BSD-3-Clause
"""Certificate authorities of the tests and what they signed.

It makes files in a folder given to it and refuses to touch any other.
"""
import datetime
import ipaddress
import os
import re
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from apiscript import ScriptError


class Authority:
    """A certificate authority and what it has signed, as files in a folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, f"{name} test CA")])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        usage = x509.KeyUsage(False, False, False, False, False, True, True,
                              False, False)
        certificate = self._builder(self.subject, self.key.public_key(), 30)
        certificate = (certificate.add_extension(constraints, True)
                       .add_extension(usage, True)
                       .sign(self.key, hashes.SHA256()))
        self.path = os.path.join(folder, f"{name}-ca.pem")
        with open(self.path, "wb") as out:
            out.write(certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject, key, days):
        now = datetime.datetime.utcnow()
        begin = now - datetime.timedelta(days=60)
        return (x509.CertificateBuilder().subject_name(subject)
                .issuer_name(self.subject).public_key(key)
                .serial_number(x509.random_serial_number())
                .not_valid_before(begin)
                .not_valid_after(now + datetime.timedelta(days=days)))

    def sign(self, label, names=("localhost", "127.0.0.1"), days=30):
        """Makes a server's certificate and key; returns their one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName(
            [x509.IPAddress(ipaddress.ip_address(name))
             if re.fullmatch(r"[0-9.]+", name) else x509.DNSName(name)
             for name in names])
        certificate = (self._builder(subject, key.public_key(), days)
                       .add_extension(alternatives, False)
                       .add_extension(x509.ExtendedKeyUsage(
                           [ExtendedKeyUsageOID.SERVER_AUTH]), False)
                       .sign(self.key, hashes.SHA256()))
        path = os.path.join(self.folder, f"{self.name}-{label}.pem")
        with open(path, "wb") as out:
            out.write(certificate.public_bytes(serialization.Encoding.PEM))
            out.write(key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
        return path


class Certificates:
    """Every kind of certificate that a script may name with `tls = KIND`."""

    def __init__(self, folder):
        private = Authority(folder, "private")
        public = Authority(folder, "public")
        bundled = Authority(folder, "bundled")
        unknown = Authority(folder, "unknown")
        self.ca, self.public_ca = private.path, public.path
        self.bundled_ca = bundled.path
        self.files = {
            "good": private.sign("good"),
            "expired": private.sign("expired", days=-1),
            "other name": private.sign("other-name", ("www.example.org",)),
            "other ca": unknown.sign("good"),
            "public ca": public.sign("good"),
            "bundled ca": bundled.sign("good"),
        }

    def context(self, kind):
        """The TLS settings for KIND; None for plain http."""
        if kind in ("none", "silent"):
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if kind == "tls 1.1":
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            kind = "good"
        if kind not in self.files:
            raise ScriptError(f"tls = {kind}: no such certificate")
        context.load_cert_chain(self.files[kind])
        return context
