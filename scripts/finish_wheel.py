"""Puts licences and an SBOM of the bundled libraries into a wheel, and packs it reproducibly.

Usage: finish_wheel.py WHEEL OUT_FOLDER

The libraries that auditwheel copied in (`graphbit_actors.libs/`), and those that are headers only and
so compiled in, come from Debian packages: each package's copyright file goes to
`.dist-info/licenses/bundled/`, and `.dist-info/sboms/` gets a CycloneDX document that names package,
version and files. pybind11 is the one of the Python that runs this. Entries are sorted and carry the
time of SOURCE_DATE_EPOCH, so that the same source gives the same bytes.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import io
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path


# One header of each library that has nothing but headers, and where it is compiled into.
HEADERS = {
    "/usr/include/boost/version.hpp": ("graphbit/_core.c", "graphbit/bin/graphbit"),
    "/usr/include/rapidjson/rapidjson.h": ("graphbit/_core.c", "graphbit/bin/graphbit"),
    "/usr/include/tl/expected.hpp": ("graphbit/_core.c", "graphbit/bin/graphbit"),
    "/usr/include/CLI/CLI.hpp": ("graphbit/bin/graphbit",),
}


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def system_file(bundled: str) -> str | None:
    """Where the library came from: auditwheel put a hash into its name (libx-1a2b3c4d.so.1.2)."""
    plain = re.sub(r"-[0-9a-f]{8}(?=\.so)", "", Path(bundled).name)
    paths = (line.rpartition(" => ")[2] for line in run("ldconfig", "-p").splitlines() if " => " in line)
    for folder in sorted({Path(path).parent for path in paths}):
        if (folder / plain).exists():
            return os.path.realpath(folder / plain)
    return None


def package_of(path: str) -> tuple[str, str, str]:
    """Name, version and architecture of the Debian package that owns a file."""
    for candidate in (path, path.removeprefix("/usr")):
        found = subprocess.run(["dpkg-query", "--search", candidate], capture_output=True, text=True)
        if found.returncode == 0:
            name = found.stdout.split(":")[0]
            version, architecture = run("dpkg-query", "--show", "--showformat=${Version} ${Architecture}", name).split()
            return name, version, architecture
    raise SystemExit(f"finish_wheel: no package owns {path}; its licence is not known")


def component(name: str, version: str, architecture: str, libraries: list[str]) -> dict[str, object]:
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:deb/debian/{name}@{version}?arch={architecture}",
        "properties": [{"name": "file", "value": library} for library in sorted(libraries)],
    }


def bundled_parts(names: list[str], info: str) -> dict[str, bytes]:
    """The files to add: licence texts, and the SBOM that names what they are of."""
    packages: dict[tuple[str, str, str], list[str]] = {}
    for library in (name for name in names if ".libs/" in name and ".so" in name):
        source = system_file(library)
        if source is None:
            raise SystemExit(f"finish_wheel: {library} is none of this system's libraries")
        packages.setdefault(package_of(source), []).append(library)
    for header, users in HEADERS.items():
        packages[package_of(header)] = [name for name in names if name.startswith(users)]
    added = {}
    for name, _, _ in packages:
        added[f"{info}/licenses/bundled/{name}.txt"] = Path(f"/usr/share/doc/{name}/copyright").read_bytes()
    components = [component(*package, libraries) for package, libraries in sorted(packages.items())]

    pybind11 = importlib.metadata.distribution("pybind11")
    (licence,) = (file for file in pybind11.files or () if file.name == "LICENSE" and ".dist-info" in str(file))
    added[f"{info}/licenses/bundled/pybind11.txt"] = Path(str(licence.locate())).read_bytes()
    components.append(
        {
            "type": "library",
            "name": "pybind11",
            "version": pybind11.version,
            "purl": f"pkg:pypi/pybind11@{pybind11.version}",
            "properties": [{"name": "file", "value": name} for name in names if name.startswith("graphbit/_core.c")],
        }
    )
    project = info.removesuffix(".dist-info").rsplit("-", 1)
    sbom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "library", "name": project[0], "version": project[1]}},
        "components": components,
    }
    added[f"{info}/sboms/bundled.cdx.json"] = (json.dumps(sbom, indent=2) + "\n").encode()
    return added


def record_of(files: dict[str, bytes], path: str) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for name in sorted(files):
        digest = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=").decode()
        rows.writerow((name, f"sha256={digest}", len(files[name])))
    rows.writerow((path, "", ""))
    return text.getvalue().encode()


def pack(files: dict[str, bytes], modes: dict[str, int], to: Path) -> None:
    when = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800))[:6]
    beside = to.with_suffix(".part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name in sorted(files, key=lambda name: (".dist-info/" in name, name)):
            entry = zipfile.ZipInfo(name, when)
            entry.external_attr = modes.get(name, 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, files[name])
    beside.rename(to)


def main() -> None:
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    with zipfile.ZipFile(source) as wheel:
        names = [name for name in wheel.namelist() if not name.endswith("/")]
        files = {name: wheel.read(name) for name in names}
        modes = {entry.filename: entry.external_attr >> 16 or 0o100644 for entry in wheel.infolist()}
    record = next(name for name in names if name.endswith(".dist-info/RECORD"))
    info = record.split("/")[0]
    del files[record]
    # auditwheel's own SBOM carries the time and a random number of its run.
    for name in [name for name in files if name.endswith("auditwheel.cdx.json")]:
        del files[name]
    files.update(bundled_parts(names, info))
    files[record] = record_of(files, record)
    out.mkdir(parents=True, exist_ok=True)
    pack(files, modes, out / source.name)
    print(out / source.name)


if __name__ == "__main__":
    main()
