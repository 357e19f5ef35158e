# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""An archive is checked whole, or refused."""

import io
import json
import pathlib
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seerr_archive
from seerr import Flavour
from seerr_archive import Unsound

DAMAGED = 'the database in the archive is damaged'
SETTINGS = b'{"main": {"mediaServerType": 1, "apiKey": "k"}, "public": {"initialized": true}}'


@pytest.fixture(scope='module')
def database(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A database whose data are all in its log."""
    path = tmp_path_factory.mktemp('db') / 'db.sqlite3'
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute('PRAGMA journal_mode=WAL').fetchall()
    connection.execute('CREATE TABLE user (name TEXT)')
    connection.execute("INSERT INTO user VALUES ('admin')")
    files = {f'db/{each.name}': each.read_bytes() for each in path.parent.iterdir()}
    connection.close()
    return files


@pytest.fixture
def files(database: dict[str, bytes]) -> dict[str, bytes]:
    return {'settings.json': SETTINGS, **database}


def pack(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    seerr_archive.write(
        target,
        {name: io.BytesIO(content) for name, content in files.items()},
        flavour=Flavour.SEERR,
        version='3.4.1',
        created='2026-11-20T00:00:00+00:00',
    )
    return target.getvalue()


def repack(archive: bytes, change: Callable[[str, bytes], list[tuple[str, bytes]]]) -> bytes:
    """Write the archive again with each member replaced by what ``change`` makes of it."""
    target = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive), mode='r:gz') as old,
        tarfile.open(fileobj=target, mode='w:gz') as new,
    ):
        for member in old:
            file = old.extractfile(member)
            assert file is not None
            for name, content in change(member.name, file.read()):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                new.addfile(info, io.BytesIO(content))
    return target.getvalue()


def unpack(archive: bytes, folder: pathlib.Path, **options: bool) -> seerr_archive.Manifest:
    folder.mkdir(exist_ok=True)
    return seerr_archive.unpack(io.BytesIO(archive), folder, **options)


def test_what_is_packed_comes_out_again(files, tmp_path):
    manifest = unpack(pack(files), tmp_path / 'out')
    assert manifest.flavour is Flavour.SEERR
    assert manifest.version == '3.4.1'
    found = {name: (tmp_path / 'out' / name).read_bytes() for name in manifest.files}
    assert found == files


def test_checking_the_database_leaves_its_log_alone(files, tmp_path):
    unpack(pack(files), tmp_path / 'out')
    assert sorted(each.name for each in (tmp_path / 'out' / 'db').iterdir()) == [
        'db.sqlite3',
        'db.sqlite3-shm',
        'db.sqlite3-wal',
    ]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_an_archive_that_was_cut_or_altered_anywhere_is_refused(data):
    archive = pack({'settings.json': b'{"main": {"mediaServerType": 4}}'})
    place = data.draw(st.integers(0, len(archive) - 1))
    if data.draw(st.booleans()):
        spoilt = archive[:place]
    else:
        flipped = archive[place] ^ (1 << data.draw(st.integers(0, 7)))
        spoilt = archive[:place] + bytes([flipped]) + archive[place + 1 :]
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        try:
            unpack(spoilt, out)
        except Unsound:
            return
        # Some bits of a gzip header mean nothing, such as the time; then nothing is lost either.
        assert (out / 'settings.json').read_bytes() == b'{"main": {"mediaServerType": 4}}'


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param(
            lambda name, content: [] if name == 'manifest.json' else [(name, content)],
            'no manifest',
            id='no manifest',
        ),
        pytest.param(
            lambda name, content: [] if name == 'db/db.sqlite3-wal' else [(name, content)],
            'lacks db/db.sqlite3-wal',
            id='a file is missing',
        ),
        pytest.param(
            lambda name, content: [(name, content), ('../evil', b'x')],
            'not what the manifest says',
            id='a file too much',
        ),
        pytest.param(
            lambda name, content: [(name, content)] * (2 if name == 'settings.json' else 1),
            'not what the manifest says',
            id='a file twice',
        ),
        pytest.param(
            lambda name, content: [(name, content.replace(b'"k"', b'"j"'))],
            'has been altered',
            id='altered content',
        ),
        pytest.param(
            lambda name, content: [(name, content.replace(b'"format": 1', b'"format": 2'))],
            'newer charm',
            id='a newer format',
        ),
        pytest.param(
            lambda name, content: [(name, content.replace(b'"seerr"', b'"petclinic"'))],
            'malformed',
            id='another flavour',
        ),
        pytest.param(
            lambda name, content: [(name, b'[]' if name == 'manifest.json' else content)],
            'malformed',
            id='a manifest that is none',
        ),
        pytest.param(
            lambda name, content: [
                (name, content.replace(b'"settings.json"', b'"../settings.js"'))
            ],
            'none of Seerr',
            id='a path that leads out',
        ),
        pytest.param(
            lambda name, content: [
                (name, content + b' ' * 70000 if name == 'manifest.json' else content)
            ],
            'too long',
            id='a manifest without end',
        ),
    ],
)
def test_an_archive_that_is_not_what_it_says_is_refused(files, tmp_path, change, message):
    with pytest.raises(Unsound, match=message):
        unpack(repack(pack(files), change), tmp_path / 'out')
    assert not (tmp_path / 'evil').exists()


def test_a_link_in_an_archive_is_refused(files, tmp_path):
    target = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(pack(files)), mode='r:gz') as old,
        tarfile.open(fileobj=target, mode='w:gz') as new,
    ):
        first = old.next()
        assert first is not None
        new.addfile(first, old.extractfile(first))
        link = tarfile.TarInfo('settings.json')
        link.type, link.linkname = tarfile.SYMTYPE, '/etc/passwd'
        new.addfile(link)
    with pytest.raises(Unsound, match='not what the manifest says'):
        unpack(target.getvalue(), tmp_path / 'out')


@pytest.mark.parametrize('content', [b'', b'hello', b'PK\x03\x04', b'\x1f\x8b'])
def test_something_else_is_refused(content, tmp_path):
    with pytest.raises(Unsound, match='damaged, or none of ours'):
        unpack(content, tmp_path / 'out')


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'settings.json': b'{"main":'}, 'settings.json is damaged'),
        ({'settings.json': b'{}'}, 'there is a database but settings.json is empty'),
        ({'db/db.sqlite3-wal': None}, 'the database is empty'),
        ({'db/db.sqlite3': None, 'db/db.sqlite3-wal': None}, 'database is missing'),
        ({'db/db.sqlite3': b'not a database' * 400, 'db/db.sqlite3-wal': None}, DAMAGED),
    ],
)
def test_what_seerr_could_not_start_with_is_refused(files, tmp_path, changes, message):
    spoilt = {k: v for k, v in {**files, **changes}.items() if v is not None}
    with pytest.raises(Unsound, match=message):
        unpack(pack(spoilt), tmp_path / 'out')


def test_to_go_back_to_damaged_data_only_the_archive_has_to_be_sound(files, tmp_path):
    spoilt = {**files, 'settings.json': b'{"main":'}
    assert unpack(pack(spoilt), tmp_path / 'out', sound=False).files
    with pytest.raises(Unsound):
        unpack(pack(spoilt)[:-2000], tmp_path / 'other', sound=False)


def test_a_page_that_was_overwritten_is_found(tmp_path):
    path = tmp_path / 'db.sqlite3'
    connection = sqlite3.connect(path)
    connection.execute('CREATE TABLE user (name TEXT PRIMARY KEY)')
    connection.executemany('INSERT INTO user VALUES (?)', [(f'user {n}',) for n in range(2000)])
    connection.commit()
    connection.close()
    content = bytearray(path.read_bytes())
    content[8192:12288] = b'\xff' * 4096
    with pytest.raises(Unsound, match='the database in the archive is damaged'):
        unpack(pack({'settings.json': SETTINGS, 'db/db.sqlite3': bytes(content)}), tmp_path / 'o')


def test_the_manifest_holds_nothing_of_the_settings(files):
    with tarfile.open(fileobj=io.BytesIO(pack(files)), mode='r:gz') as archive:
        member = archive.next()
        assert member is not None
        file = archive.extractfile(member)
        assert file is not None
        manifest = json.load(file)
    assert set(manifest) == {'format', 'flavour', 'version', 'created', 'files'}
    assert set(manifest['files']['settings.json']) == {'size', 'sha256'}
