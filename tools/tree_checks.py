# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Rules about the files of the workspace that no linter knows.

Each check answers one line for each fault, without the file's name, which the caller has.
"""

import ast
import pathlib
import re
import subprocess
from collections.abc import Iterator, Mapping

HEADER = '# Copyright 2026 The Charmarr authors\n# SPDX-License-Identifier: Apache-2.0\n'

# Addresses of package indexes, so that everyone's own index, mirror or proxy is what is used.
# The brackets keep this line from matching itself.
INDEX = re.compile(
    r'pypi[.]org|pythonhosted[.]org|https?://\S*pypi|npmjs[.]|'
    r'proxy[.]golang|sum[.]golang|crates[.]io|repo1?[.]maven'
)

# Folders of whoever wrote the line.
PRIVATE_PATH = re.compile(r'(?<![\w.])/(?:home/\w+|root/\.|work/)')


def files(root: pathlib.Path) -> list[pathlib.Path]:
    """The files that belong to the workspace: tracked by git, or new and not ignored.

    Raises:
        LookupError: There is no git, or this is no checkout.
    """
    words = ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z']
    try:
        listed = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LookupError(f'git cannot list the files of {root}') from error
    names = sorted(set(listed.stdout.split('\0')) - {''})
    return [root / name for name in names if (root / name).is_file()]


def text(file: pathlib.Path) -> str | None:
    """The file's text, None for what is not text."""
    try:
        return file.read_text('utf-8')
    except UnicodeDecodeError:
        return None


def address_faults(content: str) -> Iterator[str]:
    """No file names a package index."""
    for number, line in enumerate(content.splitlines(), 1):
        found = INDEX.search(line)
        if found:
            yield f'line {number} names a package index: {found.group()}'


def path_faults(content: str) -> Iterator[str]:
    """No file names a folder of somebody's machine."""
    for number, line in enumerate(content.splitlines(), 1):
        found = PRIVATE_PATH.search(line)
        if found:
            yield f'line {number} names a folder of one machine: {found.group()}'


def header_faults(content: str) -> Iterator[str]:
    """Every program starts with the licence, after the line that says what runs it."""
    if content.startswith('#!'):
        content = content.partition('\n')[2]
    if not content.startswith(HEADER):
        yield 'does not start with the copyright and licence lines'


def module_clashes(folders: Mapping[str, pathlib.Path]) -> Iterator[str]:
    """All charms can be loaded in one process: their modules, charm.py apart, differ in name."""
    owners: dict[str, str] = {}
    for charm, folder in folders.items():
        for file in sorted(folder.glob('*.py')):
            if file.name == 'charm.py':
                continue
            owner = owners.setdefault(file.stem, charm)
            if owner != charm:
                yield f'{file.stem} is a module of {owner} and of {charm}'


def imported(source: str) -> set[str]:
    """The top-level names of all modules that a program imports, wherever it does."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition('.')[0])
    return found


def import_faults(source: str, forbidden: set[str]) -> Iterator[str]:
    """A program imports none of the forbidden modules."""
    yield from (f'imports {name}' for name in sorted(imported(source) & forbidden))
