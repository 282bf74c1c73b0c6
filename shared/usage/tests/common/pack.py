"""Packs a text in every way that Python's standard library knows, as a writer that is not ours.

Usage: pack.py TEXT FOLDER; writes one file a packing.
"""

import base64
import bz2
import gzip
import io
import json
import lzma
import pathlib
import sys
import tarfile
import zipfile

text = pathlib.Path(sys.argv[1]).read_bytes()
folder = pathlib.Path(sys.argv[2])
half = len(text) // 2 + 3


def write(name, data):
    (folder / name).write_bytes(data)


class Pipe(io.RawIOBase):
    """A stream that cannot seek, so that sizes are written behind the members."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)


def zipped(method, stream=False, wide=False, name="usage/a.jsonl"):
    out = Pipe() if stream else io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        if not stream:
            archive.writestr("usage/", b"")
        archive.writestr("__MACOSX/usage/._a.jsonl", b"\x00\x05\x16\x07 a resource fork")
        archive.writestr("usage/.DS_Store", b"\x00\x00\x00\x01Bud1")
        with archive.open(zipfile.ZipInfo(name) if method == zipfile.ZIP_STORED else name, "w", force_zip64=wide) as f:
            f.write(text)
    return bytes(out.data) if stream else out.getvalue()


def tarred(format, name, data=text, kind=""):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:" + kind, format=format) as archive:
        directory = tarfile.TarInfo("usage")
        directory.type = tarfile.DIRTYPE
        archive.addfile(directory)
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("._link")
        link.type = tarfile.SYMTYPE
        link.linkname = name
        archive.addfile(link)
    return out.getvalue()


long = "usage/" + "d" * 90 + "/" + "ü" * 60 + ".jsonl"
write("gzip", gzip.compress(text, mtime=0))
write("gzip-members", gzip.compress(text[:half]) + gzip.compress(b"") + gzip.compress(text[half:]) + bytes(100))
write("gzip-twice", gzip.compress(gzip.compress(text)))
write("bzip2", bz2.compress(text))
write("bzip2-streams", bz2.compress(text[:half]) + bz2.compress(text[half:]) + bytes(9))
write("xz", lzma.compress(text))
write("xz-streams", lzma.compress(text[:half]) + bytes(8) + lzma.compress(text[half:], check=lzma.CHECK_SHA256))
write("zip-deflate", zipped(zipfile.ZIP_DEFLATED))
write("zip-stored", zipped(zipfile.ZIP_STORED))
write("zip-stream", zipped(zipfile.ZIP_DEFLATED, stream=True))
write("zip-64", zipped(zipfile.ZIP_DEFLATED, wide=True))
write("zip-64-stream", zipped(zipfile.ZIP_DEFLATED, stream=True, wide=True))
write("tar-ustar", tarred(tarfile.USTAR_FORMAT, "usage/a.jsonl"))
write("tar-gnu", tarred(tarfile.GNU_FORMAT, long))
write("tar-pax", tarred(tarfile.PAX_FORMAT, "./" + long))
write("tar-gzip", tarred(tarfile.PAX_FORMAT, "a.jsonl", kind="gz"))
write("tar-xz", tarred(tarfile.PAX_FORMAT, "a.jsonl", kind="xz"))
write("tar-bzip2-of-gzip", tarred(tarfile.GNU_FORMAT, "a.jsonl.gz", gzip.compress(text), kind="bz2"))
write("base64-of-gzip", base64.b64encode(gzip.compress(text)))
write("base64-of-xz-in-lines", base64.encodebytes(lzma.compress(text)))
write("utf-8-mark", text.decode().encode("utf-8-sig"))
write("utf-16", text.decode().encode("utf-16"))
write("utf-16-big", b"\xfe\xff" + text.decode().encode("utf-16-be"))

# What a source has to declare.
encoded = base64.b64encode(text).decode()
write("declared-base64", encoded.encode())
write("declared-utf-16le", text.decode().encode("utf-16-le"))
write("declared-latin-1", text.decode().encode("latin-1"))
records = [{"kinesis": {"data": base64.b64encode(gzip.compress(line)).decode()}} for line in text.splitlines()]
write("declared-json", json.dumps({"Records": records}, indent=1).encode())
write("declared-json-lines", b"\n".join(json.dumps({"Records": [record]}).encode() for record in records))
