import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from regista.client import digest_cache, hashing
from regista.client.digest_cache import DigestCache
from regista.client.scan import hash_files, scan
from regista.client.tree import read_unchanged
from regista.entities.digest import digest_of
from regista.entities.manifest import Manifest, check_path
from regista.errors import ConflictError, InvalidError, TooLargeError


def paths(root, **options):
    return [file.path for file in scan(root, **options).files]


class TestWhatIsFound:
    def test_files_at_every_depth_in_the_order_of_their_paths(self, tree):
        root = tree({"b": b"1", "a/z": b"22", "a/b/c": b"", "a.txt": b"333", ".hidden": b"4"})
        found = scan(root)
        assert [file.path for file in found.files] == [".hidden", "a.txt", "a/b/c", "a/z", "b"]
        assert found.size == 7
        assert found.root == root

    def test_a_file_alone_has_its_own_name(self, tree):
        (file,) = scan(tree({"model.pkl": b"123"}) / "model.pkl").files
        assert (file.path, file.size) == ("model.pkl", 3)

    def test_a_relative_path_is_relative_to_where_one_is(self, tree, monkeypatch):
        monkeypatch.chdir(tree({"a": b"1"}))
        assert paths(Path()) == ["a"]

    def test_what_is_not_there_is_named(self, tmp_path):
        with pytest.raises(InvalidError, match=r"no file or folder .*absent"):
            scan(tmp_path / "absent")
        with pytest.raises(InvalidError):
            scan(tmp_path / "a\0b")

    def test_git_keeps_its_own(self, tree):
        assert paths(tree({".git/config": b"password", "sub/.git": b"gitdir: x", "a": b"1"})) == ["a"]


class TestIgnoring:
    def test_gitignore_counts(self, tree):
        root = tree({".gitignore": b"*.log\nbuild/\n!keep.log\n", "a.log": b"", "keep.log": b"", "build/x": b"",
                     "sub/b.log": b"", "sub/build": b""})  # fmt: skip
        assert paths(root) == [".gitignore", "keep.log", "sub/build"]

    def test_amlignore_counts_instead_of_gitignore(self, tree):
        root = tree({".gitignore": b"a\n", ".amlignore": b"b\n", "a": b"", "b": b""})
        assert paths(root) == [".amlignore", ".gitignore", "a"]

    def test_deeper_files_outweigh_higher_ones(self, tree):
        root = tree({".gitignore": b"*.bin\n", "sub/.gitignore": b"!*.bin\n/local\n", "a.bin": b"", "sub/a.bin": b"",
                     "sub/local": b"", "local": b"", "sub/deep/local": b""})  # fmt: skip
        assert paths(root) == [".gitignore", "local", "sub/.gitignore", "sub/a.bin", "sub/deep/local"]

    def test_what_the_caller_ignores_is_outweighed_by_the_folder(self, tree):
        root = tree({".amlignore": b"!keep.pyc\n", "a.pyc": b"", "keep.pyc": b"", "sub/__pycache__/x": b""})
        assert paths(root, also_ignore=["*.pyc", "__pycache__/"]) == [".amlignore", "keep.pyc"]

    def test_invalid_lines_and_bytes_are_passed_over(self, tree):
        root = tree({".gitignore": b"!\n\\\n/\n[z\n\xff\xfe\n*.tmp\r\n", "a.tmp": b"", "b": b""})
        assert paths(root) == [".gitignore", "b"]

    def test_what_is_ignored_need_not_be_fit_for_anything(self, tree):
        root = tree({".gitignore": b"*.sock\nbad*\ndangling\n", "a": b""})
        os.mkfifo(root / "x.sock")
        (root / "bad\nname").touch()
        (root / "dangling").symlink_to("nowhere")
        assert paths(root) == [".gitignore", "a"]

    def test_an_ignore_file_that_is_a_link_does_not_count(self, tree, tmp_path):
        root = tree({"a": b"", "rules": b"a\n"})
        (root / ".gitignore").symlink_to("rules")
        assert paths(root) == [".gitignore", "a", "rules"]

    @settings(max_examples=60)
    @given(
        st.lists(
            st.from_regex(
                r"!?/?(\*\*/)?([ab*?]|a\*|[ab]/[ab*]|\[ab\]|\[!a\]|a/\*\*|\*\*/b/a|a/\*\*/b)/?", fullmatch=True
            ),
            max_size=5,
        ),
        st.lists(st.from_regex(r"!?/?[ab*]/?", fullmatch=True), max_size=2),
    )
    def test_the_answer_is_gits_own(self, tmp_path_factory, lines, deeper):
        if shutil.which("git") is None:
            pytest.fail("this test needs git")
        root = tmp_path_factory.mktemp("git")
        for path in ("a/a/a", "a/a/b", "a/b/a", "a/b/ab", "a/c", "b/a", "b/b/a", "ab", "c/a", "c/b/b", "d"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()
        (root / ".gitignore").write_text("\n".join(lines))
        (root / "a/.gitignore").write_text("\n".join(deeper))
        clean = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", "init", "-q", root], check=True, env=clean)
        listed = ["git", "-C", root, "ls-files", "-z", "--others", "--exclude-standard"]
        expected = subprocess.run(listed, check=True, capture_output=True, env=clean, text=True).stdout
        assert paths(root) == sorted(expected.split("\0")[:-1]), (lines, deeper)


class TestLinks:
    def test_a_link_inside_counts_as_what_it_points_to(self, tree):
        root = tree({"real/a": b"123"})
        (root / "link").symlink_to("real/a")
        (root / "folder").symlink_to("real")
        (root / "absolute").symlink_to(root / "real" / "a")
        found = {file.path: file.size for file in scan(root).files}
        assert found == {"real/a": 3, "link": 3, "folder/a": 3, "absolute": 3}
        assert {entry.digest for entry in hash_files(scan(root)).files} == {digest_of(b"123")}

    @pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "sub/../../outside", "/"])
    def test_a_link_that_leaves_the_folder_is_refused_by_name(self, tree, tmp_path, target):
        (tmp_path / "outside").write_bytes(b"secret")
        root = tree({"sub/a": b"1"})
        (root / "evil").symlink_to(target)
        with pytest.raises(InvalidError, match=r"content/evil' leaves the folder") as refused:
            scan(root)
        assert refused.value.hint

    def test_a_folder_beside_it_with_a_longer_name_is_outside(self, tree):
        root = tree({"a": b"1"})
        tree({"b": b"2"}, folder="content-too")
        (root / "evil").symlink_to("../content-too/b")
        with pytest.raises(InvalidError, match="leaves the folder"):
            scan(root)

    def test_a_link_that_leaves_by_way_of_another_one_is_refused(self, tree, tmp_path):
        (tmp_path / "outside").write_bytes(b"secret")
        root = tree({"a": b"1"})
        (root / "one").symlink_to("two")
        (root / "two").symlink_to("../outside")
        with pytest.raises(InvalidError, match="leaves the folder"):
            scan(root)

    def test_a_dangling_link_is_refused_by_name(self, tree):
        root = tree({"a": b"1"})
        (root / "lost").symlink_to("nowhere")
        with pytest.raises(InvalidError, match=r"lost' leads nowhere"):
            scan(root)

    def test_circles_end(self, tree):
        root = tree({"sub/deep/a": b"1"})
        (root / "sub" / "deep" / "up").symlink_to("..")
        (root / "self").symlink_to(".")
        assert "sub/deep/a" in paths(root)
        assert all(path.count("up") <= 1 for path in paths(root))

    def test_a_link_to_itself_leads_nowhere(self, tree):
        root = tree({"a": b"1"})
        (root / "loop").symlink_to("loop")
        with pytest.raises(InvalidError, match="leads nowhere"):
            scan(root)

    def test_links_that_multiply_without_end_are_stopped(self, tree, monkeypatch):
        monkeypatch.setattr("regista.client.scan.MAX_FILES", 500)
        root = tree({})
        for one in range(8):
            (root / str(one)).mkdir()
            for other in range(8):
                (root / str(one) / f"to{other}").symlink_to(f"../{other}")
        with pytest.raises(TooLargeError, match="more than"):
            scan(root)

    def test_the_folder_itself_may_be_a_link(self, tree, tmp_path):
        (tmp_path / "name").symlink_to(tree({"a": b"1", "b/c": b"2"}))
        (tmp_path / "name" / "d").symlink_to("a")
        assert paths(tmp_path / "name") == ["a", "b/c", "d"]


class TestUnfit:
    def test_pipes_sockets_and_devices_are_named(self, tree, tmp_path):
        root = tree({"a": b"1"})
        os.mkfifo(root / "pipe")
        with pytest.raises(InvalidError, match=r"pipe' is a pipe"):
            scan(root)
        with pytest.raises(InvalidError, match=r"pipe' is a pipe"):
            scan(root / "pipe")
        (root / "pipe").unlink()
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(os.path.relpath(root / "door"))
            with pytest.raises(InvalidError, match=r"door' is a socket"):
                scan(root)

    def test_a_device_is_named(self):
        with pytest.raises(InvalidError, match="null' is a device"):
            scan(Path("/dev/null"))

    @pytest.mark.parametrize("name", [b"new\nline", b"back\\slash", b"\xff\xfe", b"bell\x07"])
    def test_names_that_no_manifest_takes_are_refused(self, tree, name):
        root = tree({})
        (root / os.fsdecode(name)).touch()
        with pytest.raises(InvalidError):
            scan(root)

    def test_a_path_that_is_endlessly_deep_is_refused(self, tree):
        folder = tree({})
        for _ in range(300):
            folder /= "d"
        folder.mkdir(parents=True)
        with pytest.raises(TooLargeError, match="deep"):
            scan(folder.parents[299])

    @pytest.fixture
    def ordinary_user(self):
        """Root may read everything, so where the tests run as root they become nobody for a moment."""
        before = os.geteuid()
        if before == 0:
            os.seteuid(65_534)
        yield
        os.seteuid(before)

    def test_what_may_not_be_read_is_named(self, ordinary_user):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "sub").mkdir()
            (root / "a").touch(mode=0)
            with pytest.raises(InvalidError, match=r"a' cannot be read: permission denied"):
                hash_files(scan(root))
            (root / "sub").chmod(0)
            with pytest.raises(InvalidError, match=r"sub' cannot be read: permission denied"):
                scan(root)
            (root / "sub").chmod(0o700)

    @settings(max_examples=150)
    @given(
        st.lists(
            st.binary(min_size=1, max_size=12).filter(lambda n: not {0, 47} & set(n) and n not in {b".", b".."}),
            max_size=4,
            unique=True,
        )
    )
    def test_any_names_are_taken_as_they_are_or_refused(self, tmp_path_factory, names):
        root = tmp_path_factory.mktemp("names")
        for name in names:
            (root / os.fsdecode(name)).write_bytes(name)
        wanted = [os.fsdecode(name) for name in names if name not in {b".git", b".gitignore", b".amlignore"}]
        try:
            found = hash_files(scan(root))
        except InvalidError:
            with pytest.raises(InvalidError):
                [check_path(name) for name in wanted]
        else:
            assert Manifest.parse(found.encode()) == found
            assert {entry.path: entry.digest for entry in found.files} == {
                name: digest_of(os.fsencode(name)) for name in wanted
            }


class TestHashing:
    def test_digests_are_those_of_the_bytes(self, tree):
        files = {"empty": b"", "small": b"s", "large": os.urandom(3_000_000), "sub/a": b"a"}
        manifest = hash_files(scan(tree(files)))
        assert {entry.path: entry.digest for entry in manifest.files} == {
            path: digest_of(content) for path, content in files.items()
        }

    def test_workers_make_no_difference(self, tree):
        root = tree({f"{number}": str(number).encode() * (number % 7 * 50_000) for number in range(60)})
        assert len({hash_files(scan(root), workers=workers).digest for workers in (1, 2, 8)}) == 1

    @pytest.mark.parametrize("size", [10, 500_000])
    def test_a_file_that_changed_since_the_scan_is_named(self, tree, size):
        root = tree({"a": b"1" * size})
        found = scan(root)
        (root / "a").write_bytes(b"2" * (size + 1))
        with pytest.raises(ConflictError, match=r"content/a' changed"):
            hash_files(found)

    @pytest.mark.parametrize("size", [10, 500_000])
    def test_a_file_that_was_replaced_by_one_of_the_same_size_is_noticed(self, tree, size):
        root = tree({"a": b"1" * size})
        found = scan(root)
        kept = (root / "a").stat()
        (root / "new").write_bytes(b"2" * size)
        os.utime(root / "new", ns=(kept.st_atime_ns, kept.st_mtime_ns))
        (root / "new").rename(root / "a")
        with pytest.raises(ConflictError):
            hash_files(found)

    def test_a_file_that_changes_while_it_is_read_is_noticed(self, tree, monkeypatch):
        root = tree({"a": b"1" * 3_000_000})
        found = scan(root)

        class Meddling:
            meddled = False

            def start(self, *_):
                pass

            def done(self):
                pass

            def advance(self, count):
                if count and not self.meddled:
                    self.meddled = True
                    with (root / "a").open("r+b") as file:
                        file.seek(2_500_000)
                        file.write(b"2")

        with pytest.raises(ConflictError):
            hash_files(found, progress=Meddling())

    @pytest.mark.parametrize("replace", ["pipe", "link", "gone"])
    def test_what_took_a_files_place_is_not_read(self, tree, tmp_path, replace):
        root = tree({"a": b"1"})
        found = scan(root)
        (root / "a").unlink()
        if replace == "pipe":
            os.mkfifo(root / "a")
        elif replace == "link":
            (root / "a").symlink_to("/etc/passwd")
        with pytest.raises((ConflictError, InvalidError)):
            hash_files(found)
        with pytest.raises((ConflictError, InvalidError)):
            read_unchanged(found.files[0])

    def test_ctrl_c_among_many_files_ends_it(self, tree, monkeypatch):
        root = tree({str(number): b"1" for number in range(500)})

        def interrupted(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr("regista.client.hashing.hash_file", interrupted)
        before = set(threading.enumerate())
        with pytest.raises(KeyboardInterrupt):
            hash_files(scan(root))
        assert set(threading.enumerate()) <= before, "no thread of it goes on"


@pytest.fixture
def later(monkeypatch):
    """Ten seconds from now: what was written just now has settled."""
    monkeypatch.setattr(digest_cache.time, "time_ns", lambda: int((time.time() + 10) * 10**9))


@pytest.fixture
def reads(monkeypatch):
    """The paths that are hashed."""
    seen, original = [], hashing.hash_file
    monkeypatch.setattr(hashing, "hash_file", lambda file, progress: seen.append(file.path) or original(file, progress))
    return seen


class TestCache:
    def test_what_did_not_change_is_not_read_again(self, tree, later, reads):
        root = tree({"a": b"1", "sub/b": b"2"})
        first = hash_files(scan(root), cache=DigestCache())
        (root / "a").write_bytes(b"other")
        reads.clear()
        second = hash_files(scan(root), cache=DigestCache())
        assert reads == ["a"]
        assert second == hash_files(scan(root)) != first

    def test_a_content_that_kept_its_size_and_mtime_is_read_again(self, tree, later, reads):
        root = tree({"a": b"1"})
        hash_files(scan(root), cache=DigestCache())
        kept = (root / "a").stat()
        (root / "a").write_bytes(b"2")
        os.utime(root / "a", ns=(kept.st_atime_ns, kept.st_mtime_ns))
        assert hash_files(scan(root), cache=DigestCache()).files[0].digest == digest_of(b"2")

    def test_what_was_written_a_moment_ago_is_not_remembered(self, tree, reads):
        root = tree({"a": b"1"})
        hash_files(scan(root), cache=DigestCache())
        hash_files(scan(root), cache=DigestCache())
        assert reads == ["a", "a"]

    def test_a_folder_with_a_longer_name_is_another_one(self, tree, later, reads):
        tree({"a": b"1"}, folder="content-too")
        hash_files(scan(tree({"a": b"1"})), cache=DigestCache())
        reads.clear()
        hash_files(scan(tree({}, folder="content-too")), cache=DigestCache())
        assert reads == ["a"]

    @pytest.mark.parametrize(
        "damage",
        [
            lambda file: file.write_bytes(b"no database at all" * 1000),
            lambda file: file.write_bytes(b""),
            lambda file: file.write_bytes(file.read_bytes()[:5000]),
            lambda file: sqlite3.connect(file).executescript("DROP TABLE digests; CREATE TABLE digests (x)"),
            lambda file: sqlite3.connect(file).executescript("UPDATE digests SET digest = 'sha256:nonsense'; "),
        ],
        ids=["garbage", "empty", "cut", "other form", "nonsense"],
    )  # fmt: skip
    @pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
    def test_a_damaged_cache_is_an_empty_one_and_heals(self, tree, later, reads, cache, damage):
        root = tree({str(number): str(number).encode() for number in range(100)})
        right = hash_files(scan(root), cache=DigestCache())
        (file,) = cache.glob("digests-*.sqlite")
        damage(file)
        assert hash_files(scan(root), cache=DigestCache()) == right
        hash_files(scan(root), cache=DigestCache())
        reads.clear()
        assert hash_files(scan(root), cache=DigestCache()) == right
        assert reads == []

    def test_a_cache_that_cannot_be_had_is_done_without(self, tree, later, tmp_path, monkeypatch):
        (tmp_path / "file").touch()
        assert hash_files(scan(tree({"a": b"1"})), cache=DigestCache(tmp_path / "file" / "x")).files

    def test_a_locked_cache_is_done_without_and_kept(self, tree, later, cache, monkeypatch):
        monkeypatch.setattr(digest_cache, "_PATIENCE_SECONDS", 0.05)
        root = tree({"a": b"1"})
        hash_files(scan(root), cache=DigestCache())
        (file,) = cache.glob("digests-*.sqlite")
        holder = sqlite3.connect(file)
        holder.execute("BEGIN EXCLUSIVE")
        assert hash_files(scan(root), cache=DigestCache()).files
        holder.close()
        assert file.exists()

    def test_what_is_forgotten_is_read_again(self, tree, later, reads):
        root = tree({"a": b"1"})
        hash_files(scan(root), cache=DigestCache())
        DigestCache().forget(scan(root))
        hash_files(scan(root), cache=DigestCache())
        assert reads == ["a", "a"]

    def test_the_cache_is_the_users_alone(self, tree, later, tmp_path):
        hash_files(scan(tree({"a": b"1"})), cache=DigestCache(tmp_path / "fresh"))
        assert (tmp_path / "fresh").stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_twenty_thousand_files_take_seconds(tmp_path):
    for folder in range(20):
        (tmp_path / str(folder)).mkdir()
        for number in range(1_000):
            (tmp_path / str(folder) / str(number)).write_bytes(b"%d %d" % (folder, number))
    started = time.monotonic()
    manifest = hash_files(scan(tmp_path))
    assert len(manifest.files) == 20_000
    assert time.monotonic() - started < 20, "generous: the machine is shared, alone it takes less than one"
