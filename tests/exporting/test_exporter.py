import csv
import io
import json
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import numpy as np
import pytest
from pyarrow import parquet
from support import store_vectors, write_song

from explorer.database.database import Database
from explorer.errors import AnalysisError, LibraryError
from explorer.exporting import exporter as exporting
from explorer.exporting.exporter import ExportRequest, export, format_of
from explorer.exporting.tables import COLUMNS, FEATURE_COLUMNS, METADATA_COLUMNS
from explorer.library.genres import open_genre_source
from explorer.library.music_file import ScannedFile, Tags
from explorer.mapping.similarity import Neighbours
from explorer.structure.song_features import SongFeatures

HOSTILE = {
    0: "=HYPERLINK(1)",
    1: "two\nlines\tand a tab",
    2: 'commas, "quotes"; <b>',
    3: "safe\u202egpj.exe",
    4: "-2+3",
    8: "\u202e",
}


@pytest.fixture
def export_library(library, tmp_path):
    """A function that exports the library to a file and returns (the result, the file's path)."""
    path, _ = library

    def export_to_file(form, name=None, **options):
        out = tmp_path / (name or f"out.{form}")
        return export_database(path, form, out, **options), out

    return export_to_file


@pytest.fixture
def odd_library(tmp_path):
    """Songs with hostile titles, and one song each without a vector, a file and a genre. There is no map."""
    database_path, folder = tmp_path / "odd.db", tmp_path / "music"
    with Database.open(database_path) as database:
        root = database.add_root(folder)
        rng = np.random.default_rng(3)
        for number in range(12):
            tags = Tags(HOSTILE.get(number, f"Song {number}"), ("A\tB",), "", ("Rock", "=Pop"), "1999")
            database.store_song(root, write_song(folder, number, tags, seconds=0.1), rng.normal(size=512))
        with database.transaction():
            database._rows("DELETE FROM songs_vectors WHERE song_id = '005.flac'")
            database._rows("DELETE FROM files WHERE song_id = '006.flac'")
            database._rows("DELETE FROM songs_genres WHERE song_id = '007.flac'")
    return database_path


def rows_of(out):
    with out.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def export_database(path, form, out, **options):
    with Database.open_readonly(path) as database:
        return export(database, ExportRequest(form, **options), out=out)


def test_a_csv_has_one_line_a_song_with_its_positions_and_cluster(library, export_library):
    path, ids = library
    result, out = export_library("csv")
    rows = rows_of(out)
    assert (result.out, result.songs, result.left_out) == ([out], 24, 0)
    assert tuple(rows[0]) == COLUMNS
    assert [row["song_id"] for row in rows] == ids
    with Database.open_readonly(path) as database:
        labels, names, _ = database.clusters()
        for name in ("pca", "tsne", "umap"):
            _, positions, _ = database.positions(name)
            written = [[float(row[f"{name}_x"]), float(row[f"{name}_y"])] for row in rows]
            np.testing.assert_allclose(written, positions, rtol=1e-5)
    for row in rows:
        assert int(row["cluster"]) == labels[row["song_id"]]
        assert row["cluster_name"] == names[labels[row["song_id"]]]
    assert (rows[5]["title"], rows[5]["artist"], rows[5]["album"]) == ("Techno piece 5", "Artist 0", "Album")
    assert (rows[5]["genres"], rows[5]["year"], rows[5]["duration_s"]) == ("Techno", "", "0.200")
    assert rows[5]["path"] == "005.flac"


def test_unknown_values_are_empty_cells(odd_library, tmp_path):
    export_database(odd_library, "csv", tmp_path / "out.csv")
    rows = rows_of(tmp_path / "out.csv")
    assert len(rows) == 12
    assert {rows[5][name] for name in ("cluster", "cluster_name", "pca_x", "tsne_y", "umap_x")} == {""}
    assert rows[6]["path"] == ""
    assert rows[7]["genres"] == ""
    assert rows[8]["path"] == "008.flac"


def test_the_tables_have_what_is_known_about_the_music_and_tags_come_first(library, tmp_path):
    path, ids = library
    with Database.open(path) as database:
        measured = SongFeatures(119.629, 0.91234, "A minor", 0.4, 0.6184, -14.318, 1812.04)
        database.store_features(ids[3], measured)
        database.store_features(ids[5], measured)
        database.store_features(ids[9], measured)
        database._rows(
            "UPDATE songs SET info = json_set(info, '$.bpm', '174', '$.key', 'Dm') WHERE id = ?", (ids[5],)
        )
    export_database(path, "csv", tmp_path / "out.csv")
    export_database(path, "tsv", tmp_path / "out.tsv")
    export_database(path, "parquet", tmp_path / "out.parquet")
    columns = [name for name in COLUMNS if name in FEATURE_COLUMNS]
    assert COLUMNS[-8:] == FEATURE_COLUMNS == tuple(columns)
    rows = rows_of(tmp_path / "out.csv")
    assert [rows[3][name] for name in columns] == [
        *("119.63", "0.912", "A minor", "8A", "0.4"),
        *("0.618", "-14.32", "1812.0"),
    ]
    assert [rows[5][name] for name in columns[:5]] == ["174.0", "1.0", "D minor", "7A", "1.0"]
    assert {rows[4][name] for name in columns} == {""}
    header, *lines = (tmp_path / "out.metadata.tsv").read_text(encoding="utf-8").splitlines()
    cells = dict(zip(header.split("\t"), lines[3].split("\t"), strict=True))
    assert {name: cells[name] for name in columns} == {name: rows[3][name] for name in columns}
    table = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [table[5][name] for name in columns[:5]] == [174.0, 1.0, "D minor", "7A", 1.0]
    assert {table[4][name] for name in columns} == {None}
    export_database(path, "csv", tmp_path / "waltz.csv", genres=("Waltz",))
    keys = {row["song_id"]: row["key"] for row in rows_of(tmp_path / "waltz.csv")}
    assert keys == dict.fromkeys(ids[8:16], "") | {ids[9]: "A minor"}


def test_no_cell_of_a_csv_is_a_formula_or_breaks_its_line(odd_library, tmp_path):
    export_database(odd_library, "csv", tmp_path / "out.csv")
    text = (tmp_path / "out.csv").read_bytes().decode("utf-8")
    assert text.count("\r\n") == len(text.splitlines()) == 13
    rows = rows_of(tmp_path / "out.csv")
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert [row["title"] for row in rows[:5]] == [
        "'=HYPERLINK(1)",
        "two lines and a tab",
        'commas, "quotes"; <b>',
        "safegpj.exe",
        "'-2+3",
    ]
    assert rows[0]["genres"] == "Rock; =Pop"


@pytest.mark.parametrize("paths", ["relative", "absolute"])
def test_a_csv_can_be_used_as_a_genre_table(odd_library, tmp_path, paths):
    export_database(odd_library, "csv", tmp_path / "out.csv", paths=paths)
    source = open_genre_source(str(tmp_path / "out.csv"), paths=[b"%03d.flac" % n for n in range(12)])
    for number in (0, 4, 11):
        assert source.genres(ScannedFile(b"%03d.flac" % number, 1, 1), Tags("x")) == ("Rock", "=Pop")
    assert source.genres(ScannedFile(b"007.flac", 1, 1), Tags("x", genres=("Own",))) == ("Own",)


def test_a_parquet_has_the_columns_for_embedding_atlas_and_data_frames(library, export_library):
    _, ids = library
    result, out = export_library("parquet")
    table = parquet.read_table(out)
    assert (result.songs, table.num_rows) == (24, 24)
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        **dict.fromkeys(
            ["song_id", "title", "artist", "album", "genre", "cluster_name", "path", "text"], "string"
        ),
        **dict.fromkeys(["x", "y", "pca_x", "pca_y", "tsne_x", "tsne_y", "umap_x", "umap_y"], "float"),
        "genres": "list<element: string>",
        "year": "int32",
        "cluster": "int32",
        "duration_s": "double",
        **dict.fromkeys(["key", "camelot"], "string"),
        **dict.fromkeys(["tempo_bpm", "tempo_confidence", "key_confidence"], "double"),
        **dict.fromkeys(["energy", "loudness_lufs", "brightness_hz"], "double"),
        "neighbors": "struct<ids: list<element: int64>, distances: list<element: float>>",
    }
    rows = table.to_pylist()
    assert [row["song_id"] for row in rows] == ids
    assert rows[9]["text"] == "Waltz piece 9 · Artist 1 · Waltz"
    assert (rows[9]["x"], rows[9]["y"]) == (rows[9]["tsne_x"], rows[9]["tsne_y"])
    assert (rows[9]["cluster"], rows[9]["cluster_name"], rows[9]["genre"]) == (1, "Waltz", "Waltz")
    assert parquet.ParquetFile(out).metadata.row_group(0).column(0).compression == "ZSTD"
    assert json.loads(table.schema.metadata[b"music_explorer"])["trained_filters"] is False


def test_a_parquets_neighbours_are_the_true_neighbours(library, export_library):
    path, _ = library
    _, out = export_library("parquet")
    rows = parquet.read_table(out).to_pylist()
    with Database.open_readonly(path) as database:
        search = Neighbours(database.vectors()[1])
    for row in (0, 11, 23):
        indices, similarities = search.nearest(row, 10)
        assert rows[row]["neighbors"]["ids"] == list(indices)
        np.testing.assert_allclose(rows[row]["neighbors"]["distances"], 1 - similarities, atol=1e-5)


def test_neighbours_of_selected_songs_are_rows_of_the_file_centred_at_the_librarys_mean(
    library, export_library
):
    path, ids = library
    _, out = export_library("parquet", genres=("waltz",))
    rows = parquet.read_table(out).to_pylist()
    assert [row["song_id"] for row in rows] == ids[8:16]
    with Database.open_readonly(path) as database:
        indices, similarities = Neighbours(database.vectors()[1]).nearest(8, 23)
    expected = [
        (index - 8, value) for index, value in zip(indices, similarities, strict=True) if 8 <= index < 16
    ]
    assert rows[0]["neighbors"]["ids"] == [index for index, _ in expected]
    np.testing.assert_allclose(rows[0]["neighbors"]["distances"], [1 - v for _, v in expected], atol=1e-5)


def test_a_parquet_can_contain_the_vectors_and_another_projection(library, export_library):
    path, _ = library
    _, out = export_library("parquet", vectors=True, projection="pca")
    table = parquet.read_table(out)
    assert str(table.schema.field("vector").type) == "fixed_size_list<element: float>[512]"
    with Database.open_readonly(path) as database:
        np.testing.assert_array_equal(
            np.array(table["vector"].to_pylist(), dtype=np.float32), database.vectors(dtype=np.float32)[1]
        )
    assert table["x"].to_pylist() == table["pca_x"].to_pylist()


def test_unknown_values_are_null_in_a_parquet(odd_library, tmp_path):
    export_database(odd_library, "parquet", tmp_path / "out.parquet", vectors=True)
    rows = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert {rows[5][name] for name in ("x", "y", "umap_x", "cluster", "cluster_name")} == {None}
    assert rows[5]["neighbors"] is None
    assert rows[5]["vector"] is None
    assert (rows[6]["path"], rows[7]["genre"], rows[7]["genres"]) == (None, None, [])
    assert (rows[0]["title"], rows[0]["year"]) == ("=HYPERLINK(1)", 1999)
    for number, row in enumerate(rows):
        if number != 5:
            assert len(row["neighbors"]["ids"]) == 10
            assert not {5, number} & set(row["neighbors"]["ids"])


@pytest.mark.parametrize("count", [1, 2])
def test_a_library_of_one_or_two_songs_can_be_exported(fresh_db, tmp_path, count):
    ids = store_vectors(fresh_db, tmp_path, np.eye(512)[:count])
    for form in ("csv", "parquet", "m3u8", "xspf", "tsv"):
        assert export(fresh_db, ExportRequest(form), out=tmp_path / f"out.{form}").songs == len(ids)
    neighbours = parquet.read_table(tmp_path / "out.parquet")["neighbors"].to_pylist()
    assert neighbours[0]["ids"] == list(range(1, count))


def test_a_tsv_is_two_files_with_matching_lines_for_the_projector(odd_library, tmp_path):
    result = export_database(odd_library, "tsv", tmp_path / "out.tsv")
    vectors, metadata = tmp_path / "out.vectors.tsv", tmp_path / "out.metadata.tsv"
    assert (result.out, result.songs, result.left_out) == ([vectors, metadata], 11, 1)
    with Database.open_readonly(odd_library) as database:
        ids, expected = database.vectors(dtype=np.float32)
    written = np.loadtxt(vectors, delimiter="\t", dtype=np.float64)
    np.testing.assert_array_equal(written.astype(np.float32), expected)
    header, *lines = metadata.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    assert tuple(header.split("\t")) == METADATA_COLUMNS
    cells = [line.split("\t") for line in lines]
    assert len(cells) == len(expected)
    assert {len(row) for row in cells} == {len(METADATA_COLUMNS)}
    assert all(row[0].strip() for row in cells)
    assert [row[-1] for row in cells] == ids
    assert cells[0][0] == "'=HYPERLINK(1)"
    assert not any(cell.startswith(tuple("=+-@")) for row in cells for cell in row)
    assert cells[1][:2] == ["two lines and a tab", "A B"]
    assert cells[7][0] == "008.flac"


def test_tsv_endings_are_added_to_a_name_without_the_extension_tsv(library, export_library, tmp_path):
    result, _ = export_library("tsv", name="v1.0")
    assert result.out == [tmp_path / "v1.0.vectors.tsv", tmp_path / "v1.0.metadata.tsv"]
    assert all(path.is_file() for path in result.out)


@pytest.mark.parametrize("form", ["m3u8", "xspf"])
def test_a_playlist_has_absolute_paths_of_existing_files(odd_library, tmp_path, form):
    out = tmp_path / f"out.{form}"
    result = export_database(odd_library, form, out)
    assert (result.songs, result.left_out) == (11, 1)
    if form == "m3u8":
        files = [line for line in out.read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    else:
        locations = ElementTree.parse(out).iter("{http://xspf.org/ns/0/}location")
        files = [unquote(urlsplit(location.text).path) for location in locations]
    assert len(files) == 11
    assert all(Path(file).is_absolute() and Path(file).is_file() for file in files)


def test_paths_can_be_relative_to_the_folder_of_music(odd_library, tmp_path):
    export_database(odd_library, "m3u8", tmp_path / "music" / "out.m3u8", paths="relative")
    lines = (tmp_path / "music" / "out.m3u8").read_text(encoding="utf-8").splitlines()
    assert lines[2] == "000.flac"
    export_database(odd_library, "csv", tmp_path / "out.csv", paths="absolute")
    assert rows_of(tmp_path / "out.csv")[0]["path"] == str(tmp_path / "music" / "000.flac")


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({"genres": ("WALTZ",)}, range(8, 16)),
        ({"genres": ("Waltz", "techno")}, range(16)),
        ({"clusters": ("ambient",)}, range(16, 24)),
        ({"clusters": ("0", "2")}, [*range(8), *range(16, 24)]),
        ({"genres": ("Techno", "Waltz"), "clusters": ("1",)}, range(8, 16)),
    ],
)
def test_only_songs_of_the_given_genres_and_clusters_are_exported(library, export_library, options, numbers):
    _, ids = library
    _, out = export_library("csv", **options)
    assert [row["song_id"] for row in rows_of(out)] == [ids[number] for number in numbers]


@pytest.mark.parametrize(
    ("form", "options", "message"),
    [
        ("csv", {"genres": ("Polka",)}, r"'Polka': .*'Techno', 'Waltz', 'Ambient'\."),
        ("csv", {"clusters": ("Polka",)}, r"'Polka': .* 0 \(Techno\), 1 \(Waltz\), 2 \(Ambient\)\."),
        ("csv", {"clusters": ("3",)}, r"no cluster '3'"),
        ("csv", {"clusters": ("-1",)}, r"no cluster '-1'"),
        ("csv", {"genres": ("Waltz",), "clusters": ("0",)}, r"No song .* genres .* clusters: "),
        ("csv", {"vectors": True}, r"--vectors .* Parquet"),
        ("tsv", {"projection": "pca"}, r"--projection .* Parquet"),
        ("pls", {}, r"form='pls' .* choose one of csv,"),
    ],
)
def test_a_wrong_option_is_an_error_that_names_the_choices(export_library, tmp_path, form, options, message):
    with pytest.raises(AnalysisError, match=message) as error:
        export_library(form, **options)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("out.*"))


def test_a_projection_that_the_map_does_not_have_is_an_error_that_names_the_others(library, export_library):
    path, _ = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM projections WHERE name <> 'umap'")
    with pytest.raises(AnalysisError, match=r"no t-SNE \(it has UMAP\)"):
        export_library("parquet", projection="tsne")
    rows = parquet.read_table(export_library("parquet")[1]).to_pylist()
    assert (rows[0]["x"], rows[0]["tsne_x"]) == (rows[0]["umap_x"], None)


def test_an_empty_library_is_an_error(fresh_db, tmp_path):
    for form in exporting.FORMATS:
        with pytest.raises(LibraryError, match=r"holds no song yet"):
            export(fresh_db, ExportRequest(form), out=tmp_path / "out")


def test_selecting_clusters_without_a_map_is_an_error_that_says_what_to_do(fresh_db, tmp_path):
    store_vectors(fresh_db, tmp_path, np.eye(512)[:3])
    with pytest.raises(AnalysisError, match=r"no clusters yet: run `python run\.py map --db .*` first"):
        export(fresh_db, ExportRequest("csv", clusters=("0",)), out=tmp_path / "out.csv")


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_a_failed_write_keeps_the_existing_files(library, export_library, tmp_path, monkeypatch, form):
    result, _ = export_library(form)
    for path in result.out:
        path.write_text("existing")
    before = sorted(tmp_path.iterdir())

    def fail(collection, target, **_):
        target.write(b"part of the file")
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(exporting, {"csv": "write_csv", "tsv": "write_metadata"}[form], fail)
    with pytest.raises(AnalysisError, match=r"cannot be written \(No space left on device\)"):
        export_library(form)
    assert {path.read_text() for path in result.out} == {"existing"}
    assert sorted(tmp_path.iterdir()) == before


def test_the_library_and_folders_are_never_overwritten(library, tmp_path):
    path, _ = library
    before = path.read_bytes()
    (tmp_path / "link.csv").symlink_to(path)
    for out in (path, tmp_path / "link.csv"):
        with pytest.raises(LibraryError, match="is the library itself"):
            export_database(path, "csv", out)
    assert path.read_bytes() == before
    for form, folder in (("csv", tmp_path / "music"), ("tsv", tmp_path / "music"), ("tsv", Path())):
        with pytest.raises(AnalysisError, match=r"is a folder"):
            export_database(path, form, folder)
    with pytest.raises(AnalysisError, match=r"check that the folder exists"):
        export_database(path, "csv", tmp_path / "no" / "such.csv")


def test_a_stream_gets_the_same_bytes_as_a_file_and_stays_open(library, export_library):
    path, _ = library
    for form in ("csv", "m3u8", "xspf", "parquet"):
        _, out = export_library(form)
        stream = io.BytesIO()
        result = export_database(path, form, stream)
        assert (result.out, stream.getvalue()) == ([], out.read_bytes())


def test_a_tsv_cannot_be_written_to_a_stream(library):
    with pytest.raises(AnalysisError, match=r"two files.* --out"):
        export_database(library[0], "tsv", io.BytesIO())


def test_the_format_follows_from_the_files_extension():
    assert format_of(Path("a/b.CSV")) == "csv"
    assert format_of(Path("list.m3u")) == "m3u8"
    assert format_of(Path("x.pq")) == "parquet"
    assert format_of(Path("x.txt")) is None


class FullDisk(io.BytesIO):
    """A stream that accepts all bytes and raises "no space left" when it is flushed."""

    def flush(self):
        raise OSError(28, os.strerror(28))


def test_a_full_disk_behind_a_stream_is_an_error(library):
    for form in ("csv", "m3u8", "parquet"):
        with pytest.raises(AnalysisError, match=r"cannot be written \(No space left on device\)"):
            export_database(library[0], form, FullDisk())


def test_for_an_unknown_model_trained_is_null(library, tmp_path):
    path, _ = library
    for change in (
        "UPDATE state SET value = json_set(value, '$.trained', json('null')) WHERE key = 'model'",
        "DELETE FROM state WHERE key = 'model'",
    ):
        with Database.open(path) as database, database.transaction():
            database._rows(change)
        assert export_database(path, "csv", tmp_path / "x.csv").trained is None
        export_database(path, "parquet", tmp_path / "x.parquet")
        metadata = parquet.read_schema(tmp_path / "x.parquet").metadata[b"music_explorer"]
        assert json.loads(metadata)["trained_filters"] is None


def test_a_song_whose_vector_is_not_finite_has_no_vector_in_an_export(library, tmp_path):
    path, ids = library
    vector = io.BytesIO()
    np.save(vector, np.full(512, np.nan))
    with Database.open(path) as database, database.transaction():
        database._rows(
            "UPDATE songs_vectors SET embedding = ? WHERE song_id = ?", (vector.getvalue(), ids[3])
        )
    result = export_database(path, "tsv", tmp_path / "x.tsv")
    assert (result.songs, result.left_out) == (23, 1)
    export_database(path, "parquet", tmp_path / "x.parquet", vectors=True)
    vectors = parquet.read_table(tmp_path / "x.parquet").column("vector").to_pylist()
    assert [vector is None for vector in vectors] == [number == 3 for number in range(24)]
    assert export_database(path, "csv", tmp_path / "x.csv").songs == 24
