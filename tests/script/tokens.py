# SPDX-License-Identifier: BSD-3-Clause
"""Signed tokens (RFC 7519), right and forged, and the key sets (RFC 7517).

It makes what a test names, wrong things too; it refuses to judge a token.
"""
import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (
    ec, ed25519, padding, rsa, utils)

from apiscript import ScriptError

CURVES = {"ec256": ("P-256", ec.SECP256R1), "ec384": ("P-384", ec.SECP384R1),
          "ec521": ("P-521", ec.SECP521R1),
          "other-ec256": ("P-256", ec.SECP256R1)}
SIZES = {"rsa": 2048, "other-rsa": 2048, "rsa512": 512}
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
TWISTS = ("changed signature", "no signature", "two payloads", "extra dots",
          "carries its key")
LINE = re.compile(r"([a-z0-9-]+) = (\S+) (\S+?)((?:, [^,{\[]+)*)"
                  r"(?: ([{\[].*))?")


def plain64(data):
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number64(number, size=None):
    size = size or (number.bit_length() + 7) // 8
    return plain64(number.to_bytes(size, "big"))


def make_rsa(size):
    """A key of so many bits; one that is too small comes from openssl, since
    the library makes none."""
    if size >= 1024:
        return rsa.generate_private_key(65537, size)
    pem = subprocess.run(["openssl", "genrsa", str(size)], check=True,
                         capture_output=True).stdout
    return serialization.load_pem_private_key(pem, None)


class Keys:
    """One key of each kind, the same for all tests, also as files."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, 0o755, exist_ok=True)
        self.keys = {name: make_rsa(size) for name, size in SIZES.items()}
        self.keys.update((name, ec.generate_private_key(curve()))
                         for name, (_, curve) in CURVES.items())
        self.keys["ed25519"] = ed25519.Ed25519PrivateKey.generate()
        self.keys["hmac"], self.keys["other-hmac"] = (
            plain64(os.urandom(48)).encode() for _ in range(2))
        # What a verifier would use that takes HMAC with a public key.
        self.keys["rsa-pem"] = self.pem("rsa")
        for name, key in self.keys.items():
            secret = isinstance(key, bytes)
            if not secret:
                self._write(f"{name}.jwks", self.key_set(name).encode())
            self._write(f"{name}.secret" if secret else f"{name}.pem",
                        key if secret else self.pem(name))
        self._write("all.jwks", self.key_set(
            "rsa, other-rsa, ec256, ec384, ec521, ed25519").encode())
        self._write("one-of-each.jwks", self.key_set("rsa, ec256").encode())

    def _write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600),
                  "wb") as out:
            out.write(data)

    def pem(self, name):
        return self.keys[name].public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo)

    def _public(self, name):
        """The public half as a JWK without kid."""
        public = self.keys[name].public_key()
        if name in SIZES:
            numbers = public.public_numbers()
            return {"kty": "RSA", "n": number64(numbers.n),
                    "e": number64(numbers.e)}
        if name in CURVES:
            numbers = public.public_numbers()
            size = (public.curve.key_size + 7) // 8
            return {"kty": "EC", "crv": CURVES[name][0],
                    "x": number64(numbers.x, size),
                    "y": number64(numbers.y, size)}
        return {"kty": "OKP", "crv": "Ed25519", "x": plain64(
            public.public_bytes(serialization.Encoding.Raw,
                                serialization.PublicFormat.Raw))}

    def key_set(self, text):
        """A JWKS of `KEY [as KID] [private]`, with commas between."""
        found = []
        for one in filter(None, re.split(r", *", text)):
            words = re.fullmatch(r"(\S+)(?: as (\S+))?( private)?", one)
            if not words or words[1] not in self.keys:
                raise ScriptError(f"key set {text}: no such key")
            kid = words[2] or words[1]
            if isinstance(self.keys[words[1]], bytes):
                found.append({"kty": "oct", "kid": kid,
                              "k": plain64(self.keys[words[1]])})
                continue
            found.append({**self._public(words[1]), "kid": kid, "use": "sig"})
            if words[3]:
                found[-1]["d"] = number64(
                    self.keys[words[1]].private_numbers().d
                    if words[1] in SIZES else
                    self.keys[words[1]].private_numbers().private_value)
        return json.dumps({"keys": found})

    def _sign(self, name, algorithm, data):
        """The signature that NAME's kind of key makes, whatever ALGORITHM
        says beyond the digest."""
        if name == "-":
            return b""
        if name not in self.keys:
            raise ScriptError(f"[tokens] {name}: no such key")
        key = self.keys[name]
        digest = HASHES.get(algorithm[-3:], hashes.SHA256)()
        if isinstance(key, bytes):
            return hmac.new(key, data, getattr(hashlib, digest.name)).digest()
        if name in SIZES:
            fill = padding.PSS(padding.MGF1(digest), digest.digest_size) \
                if algorithm.startswith("PS") else padding.PKCS1v15()
            return key.sign(data, fill, digest)
        if name in CURVES:
            pair = utils.decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
            size = (key.curve.key_size + 7) // 8
            return b"".join(one.to_bytes(size, "big") for one in pair)
        return key.sign(data)

    def mint(self, recipe):
        """The token of a Recipe."""
        head = {"alg": recipe.algorithm, "typ": "JWT", "kid": recipe.kid}
        if recipe.kid == "none":
            del head["kid"]
        if "carries its key" in recipe.twists:
            head["jwk"] = self._public(recipe.key)
        signed = plain64(json.dumps(head).encode()) + "." \
            + plain64(recipe.payload.encode())
        signature = self._sign(recipe.key, recipe.algorithm, signed.encode())
        if "changed signature" in recipe.twists:
            signature = signature[:9] + bytes([signature[9] ^ 1]) \
                + signature[10:]
        if "no signature" in recipe.twists:
            signature = b""
        if "two payloads" in recipe.twists:
            signed += "." + signed.split(".")[1]
        token = signed + "." + plain64(signature)
        return token + ".." if "extra dots" in recipe.twists else token


class Recipe:
    """One line of [tokens]: NAME = KEY ALG[, TWIST]... [CLAIMS]."""

    def __init__(self, line, issuer):
        found = LINE.fullmatch(line)
        if not found:
            raise ScriptError(f"[tokens] cannot read: {line}")
        self.name, self.key, self.algorithm = found.group(1, 2, 3)
        self.kid, self.twists = self.key, []
        size, twice = 0, ""
        for twist in filter(None, found[4].split(", ")):
            word, _, value = twist.partition(" ")
            if word == "kid":
                self.kid = value
            elif word == "twice":
                twice = ", " + value
            elif word == "size":
                size = int(value)
            elif twist in TWISTS:
                self.twists.append(twist)
            else:
                raise ScriptError(f"[tokens] no such twist: {twist}")
        now = int(time.time())
        try:
            own = json.loads(found[5] or "{}")
        except ValueError as error:
            raise ScriptError(f"[tokens] {self.name}: {error}") from error
        if isinstance(own, dict):
            own = {"iss": issuer, "aud": "authenticated", "sub": "7e57",
                   "email": "alice@example.com", "iat": now,
                   "exp": now + 3600, **own}
            own = {name: value for name, value in own.items()
                   if value is not None}
            if size:
                own["filler"] = "a" * size
        self.payload = json.dumps(own)
        if twice:
            self.payload = self.payload[:-1] + twice + "}"
