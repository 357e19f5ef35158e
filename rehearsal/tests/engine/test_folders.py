# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import pathlib

from rehearsal import folders


def test_folders_that_nobody_may_enter_go_too_and_what_links_point_at_stays(
    tmp_path: pathlib.Path,
):
    outside, inside = tmp_path / 'outside', tmp_path / 'inside'
    (inside / 'locked' / 'deeper').mkdir(parents=True)
    outside.mkdir(mode=0o750)
    (outside / 'file').write_text('kept')
    (inside / 'link').symlink_to(outside)
    (inside / 'locked' / 'deeper').chmod(0)
    (inside / 'locked').chmod(0)
    folders.remove(inside)
    assert not inside.exists()
    assert (outside / 'file').read_text() == 'kept'
    assert outside.stat().st_mode & 0o777 == 0o750
