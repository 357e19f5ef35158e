# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import asyncio
import datetime
import gc
import os
import pathlib
import shutil
import tracemalloc

import pytest

from mediahub.engine import errors
from mediahub.engine.contract import MediaServerClient
from mediahub.engine.values import Kind, Track
from mediahub.servers.disk import Found, Listing, RealDisk, Tags
from mediahub.servers.filesystem import FilesystemDialect, FilesystemSettings
from mediahub.store.database import Database
from mediahub.store.library import Guard, LibraryIndex, Mode, RunState
from mediahub.testing.audio import write_flac

pytestmark = pytest.mark.anyio

NO_GRACE = Guard(grace=datetime.timedelta(0))


class CountingDisk(RealDisk):
    """Notes whose tags were read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def tags(self, file: bytes) -> Tags | None:
        self.read.append(os.fsdecode(os.path.basename(file)))
        return super().tags(file)


@pytest.fixture
def music(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / 'music'
    for album in ('One', 'Two'):
        for number in (1, 2, 3):
            tags = {'ARTIST': 'Band', 'ALBUM': album, 'TITLE': f'Song {album} {number}'}
            write_flac(folder / 'Band' / album / f'{number}.flac', tags)
    return folder


class Library:
    def __init__(self, music: pathlib.Path, **settings: object):
        chosen = FilesystemSettings.model_validate({'path': music, **settings})
        self.disk = CountingDisk()
        self.dialect = FilesystemDialect('files', chosen, self.disk)
        self.client = MediaServerClient(self.dialect)

    async def __aenter__(self) -> 'Library':
        return self

    async def __aexit__(self, *details: object) -> None:
        await self.client.aclose()

    async def tracks(self) -> dict[str, Track]:
        snapshot = self.client.snapshot()
        items = [item async for page in snapshot for item in page.items]
        assert snapshot.proof.problems == ()
        return {item.path or '': item for item in items if isinstance(item, Track)}

    async def problems(self) -> str:
        snapshot = self.client.snapshot()
        async for _ in snapshot:
            pass
        return '; '.join(snapshot.proof.problems)


async def test_reads_tags(music: pathlib.Path):
    async with Library(music) as library:
        track = (await library.tracks())['Band/One/2.flac']

    assert (track.title, track.artist, track.album) == ('Song One 2', 'Band', 'One')
    assert track.duration_ms == 1024
    assert len(track.ref.native_id) == 32


async def test_ids_survive_a_library_that_is_mounted_elsewhere(music: pathlib.Path):
    async with Library(music) as library:
        before = {path: track.ref for path, track in (await library.tracks()).items()}
    music.rename(music.with_name('elsewhere'))

    async with Library(music.with_name('elsewhere')) as library:
        after = {path: track.ref for path, track in (await library.tracks()).items()}

    assert after == before


async def test_opens_only_what_has_changed_also_after_a_restart(
    music: pathlib.Path, tmp_path: pathlib.Path
):
    cache = tmp_path / 'tags.sqlite'
    async with Library(music, cache=cache) as library:
        await library.tracks()
        assert len(library.disk.read) == 6
    write_flac(music / 'Band/One/2.flac', {'TITLE': 'Renamed', 'ALBUM': 'One', 'ARTIST': 'Band'})

    async with Library(music, cache=cache) as library:
        assert (await library.tracks())['Band/One/2.flac'].title == 'Renamed'
        assert library.disk.read == ['2.flac']


async def test_moved_file_keeps_its_identity(music: pathlib.Path, database: Database):
    index = LibraryIndex(database)
    async with Library(music) as library:
        await index.update(library.client, Mode.FULL)
        before = (await library.tracks())['Band/One/2.flac'].ref
        uid = index.uid('files', Kind.TRACK, before.native_id)
        (music / 'Band/One/2.flac').rename(music / 'Band/Two/moved.flac')

        run = await index.update(library.client, Mode.FULL)
        after = (await library.tracks())['Band/Two/moved.flac'].ref

    assert (run.rekeyed, run.missing) == (1, 0)
    assert index.uid('files', Kind.TRACK, after.native_id) == uid


async def test_loop_of_links_is_walked_once(music: pathlib.Path):
    (music / 'Band' / 'loop').symlink_to(music)
    (music / 'again').symlink_to(music / 'Band')

    async with Library(music) as library:
        assert len(await library.tracks()) == 6


async def test_link_that_leads_nowhere_is_a_problem(music: pathlib.Path):
    (music / 'usb').symlink_to('/nowhere/at/all')

    async with Library(music) as library:
        assert 'usb: is a link that leads nowhere' in await library.problems()


async def test_link_to_itself_costs_no_other_file(music: pathlib.Path):
    (music / 'Band' / 'self').symlink_to(music / 'Band' / 'self')

    async with Library(music) as library:
        snapshot = library.client.snapshot((Kind.TRACK,))
        found = [item async for page in snapshot for item in page.items]

    assert len(found) == 6
    assert snapshot.proof.problems == ('Band/self: Too many levels of symbolic links',)


async def test_pipes_are_no_music(music: pathlib.Path):
    os.mkfifo(music / 'Band' / 'live.flac')

    async with Library(music) as library:
        assert len(await asyncio.wait_for(library.tracks(), 20)) == 6


class LockedDisk(CountingDisk):
    def listing(self, folder: bytes):
        if folder.endswith(b'Two'):
            raise PermissionError(13, 'Permission denied')
        return super().listing(folder)


async def test_unreadable_folder_loses_nothing(music: pathlib.Path, database: Database):
    index = LibraryIndex(database, NO_GRACE)
    async with Library(music) as library:
        assert (await index.update(library.client, Mode.DEEP)).succeeded
        settings = FilesystemSettings(path=music)
    client = MediaServerClient(FilesystemDialect('files', settings, LockedDisk()))
    runs = [await index.update(client, Mode.DEEP) for _ in range(3)]
    await client.aclose()

    assert {run.state for run in runs} == {RunState.UNPROVEN}
    assert 'Band/Two: Permission denied' in runs[0].reason
    assert index.counts('files') == {'artist': 1, 'album': 2, 'track': 6}


async def test_incremental_run_says_what_it_could_not_read(
    music: pathlib.Path, database: Database
):
    index = LibraryIndex(database)
    settings = FilesystemSettings(path=music)
    async with Library(music) as library:
        assert (await index.update(library.client, Mode.FULL)).succeeded
    client = MediaServerClient(FilesystemDialect('files', settings, LockedDisk()))
    run = await index.update(client, Mode.INCREMENTAL)
    await client.aclose()

    assert run.state is RunState.UNPROVEN
    assert 'Band/Two: Permission denied' in run.reason


async def test_unmounted_library_is_not_an_empty_one(music: pathlib.Path, database: Database):
    index = LibraryIndex(database, NO_GRACE)
    async with Library(music) as library:
        assert (await index.update(library.client, Mode.DEEP)).succeeded
        shutil.rmtree(music)
        music.mkdir()

        runs = [await index.update(library.client, Mode.DEEP) for _ in range(3)]

    assert {run.state for run in runs} == {RunState.UNPROVEN}
    assert 'is it mounted?' in runs[0].reason
    assert index.counts('files')['track'] == 6


async def test_library_folder_that_is_gone_is_named(music: pathlib.Path, database: Database):
    async with Library(music / 'nowhere') as library:
        with pytest.raises(errors.Unreachable, match='is it mounted'):
            await library.client.probe()


async def test_hostile_tags_cost_one_field_each(music: pathlib.Path):
    tags = {
        'TITLE': '"quoted" \0 🎸 ' + 'x' * 10_000,
        'ARTIST': '',
        'DATE': '19xx',
        'TRACKNUMBER': 'A/B',
    }
    write_flac(music / 'odd.flac', tags)

    async with Library(music) as library:
        track = (await library.tracks())['odd.flac']

    assert (track.year, track.number) == (None, None)
    assert track.title.startswith('"quoted"')
    assert '\0' not in track.title
    assert len(track.title) <= 2000


async def test_files_without_tags_are_named_by_their_folders(music: pathlib.Path):
    write_flac(music / 'Somebody' / 'Something' / '01 Untitled.flac', {})

    async with Library(music) as library:
        track = (await library.tracks())['Somebody/Something/01 Untitled.flac']

    assert (track.title, track.album, track.artist) == ('01 Untitled', 'Something', 'Somebody')


async def test_garbage_is_no_track(music: pathlib.Path):
    for name in ('garbage.flac', 'garbage.mp3', 'empty.ogg', 'cover.jpg'):
        (music / name).write_bytes(b'' if name.startswith('empty') else b'\x00garbage' * 100)

    async with Library(music) as library:
        assert len(await library.tracks()) == 6


async def test_name_that_is_no_utf8_can_be_read(music: pathlib.Path):
    odd = os.path.join(os.fsencode(music), b'caf\xe9.flac')
    shutil.copyfile(music / 'Band/One/1.flac', os.fsdecode(odd))

    async with Library(music) as library:
        assert len(await library.tracks()) == 7


class PaperDisk(RealDisk):
    """Folders of fifty files that are nowhere."""

    def __init__(self, folders: int):
        self._folders = folders

    def listing(self, folder: bytes) -> Listing:
        number = int(os.path.basename(folder)) if os.path.basename(folder).isdigit() else -1
        made = range(self._folders) if number < 0 else range(50)
        suffix = '' if number < 0 else '.flac'
        entries = [
            Found(f'{each:05}{suffix}'.encode(), not suffix, each, each, (number, each))
            for each in made
        ]
        return Listing((1, number), 1, tuple(entries))

    def tags(self, file: bytes) -> Tags | None:
        return Tags(title=os.fsdecode(file), artist='Band', album=os.fsdecode(file[-15:-11]))


async def test_memory_does_not_grow_with_the_archive(tmp_path: pathlib.Path):
    async def peak(folders: int) -> int:
        settings = FilesystemSettings.model_validate(
            {'path': '/music', 'cache': tmp_path / f'{folders}.db', 'page-size': 100}
        )
        client = MediaServerClient(FilesystemDialect('files', settings, PaperDisk(folders)))
        await client.probe()
        gc.collect()
        tracemalloc.start()
        try:
            snapshot = client.snapshot()
            count = 0
            async for page in snapshot:
                count += len(page.items) if page.kind is Kind.TRACK else 0
            assert (count, snapshot.proof.problems) == (folders * 50, ())
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            await client.aclose()

    # A folder takes some bytes in what has been seen; its files take none.
    assert await peak(80) < 1.2 * await peak(20) + 60_000


async def test_hundred_thousand_paths_have_different_ids():
    from mediahub.servers.catalogue import digest

    assert len({digest(f'a/{number}.flac') for number in range(100_000)}) == 100_000


async def test_incremental_run_takes_new_files_in(music: pathlib.Path, database: Database):
    index = LibraryIndex(database)
    async with Library(music) as library:
        await index.update(library.client, Mode.FULL)
        write_flac(music / 'Band/Three/1.flac', {'ARTIST': 'Band', 'ALBUM': 'Three', 'TITLE': 'N'})

        run = await index.update(library.client, Mode.INCREMENTAL)

    assert run.added == 2
    assert index.counts('files')['track'] == 7


async def test_tells_of_changes(music: pathlib.Path):
    async with Library(music, poll=True) as library:
        watching = library.client.watch()
        first = asyncio.ensure_future(anext(watching))
        # The watcher takes its first picture in its own time; go on until it has seen a change.
        for number in range(200):
            (music / 'new.flac').write_bytes(b'x' * number)
            done, _ = await asyncio.wait([first], timeout=0.05)
            if done:
                break
        changed = await asyncio.wait_for(first, 10)
        await watching.aclose()

    assert 'new.flac' in changed
