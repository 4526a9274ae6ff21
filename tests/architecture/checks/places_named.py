"""The project builds anywhere: no text names a package registry's host or a folder of somebody's machine."""

import re
from collections.abc import Iterator

from tests.architecture.repo import Repo

_HOSTS = ["pypi", "pythonhosted", "npmjs", "yarnpkg", "maven", "crates", "anaconda", "rubygems"]
_HOST = re.compile(rf"\b[\w.-]*({'|'.join(_HOSTS)})\.(org|com|io|apache\.org)\b|--(index|find)-(url|links)\b")
_FOLDERS = ["work", "root", "home", "Users"]
_FOLDER = re.compile(rf"(?<![\w./$}}-])/({'|'.join(_FOLDERS)})/")
_PATH = "docs/install.md"

PLANTED = {
    "a registry": {_PATH: f"Get it from https://files.{_HOSTS[1]}.org/x\n"},
    "a mirror chosen": {"requirements.lock": "--" + "find-links wheels\n"},
    "somebody's home": {_PATH: f"cd /{_FOLDERS[2]}/kim/casino-club\n"},
    "a working folder": {"Makefile": f"X = /{_FOLDERS[0]}/main\n"},
}
ALLOWED = {"names of tools, and relative places": {_PATH: "pip and npm; ~/casino-club; src/home/x; $HOME/root/\n"}}


def violations(repo: Repo) -> Iterator[str]:
    for path, text in repo.texts():
        for number, line in enumerate(text.splitlines(), 1):
            if found := _HOST.search(line) or _FOLDER.search(line):
                yield f"{path}:{number}: {found.group()}"
