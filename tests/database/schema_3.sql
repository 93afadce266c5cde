-- The third step as libraries of version 3 and 4 took it: an index of words without genres.
ALTER TABLE positions ADD COLUMN near INTEGER;
CREATE TABLE song_texts(
    number INTEGER PRIMARY KEY,
    song_id TEXT NOT NULL UNIQUE REFERENCES songs(id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    artist TEXT NOT NULL,
    album TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE song_words USING fts5(
    title, artist, album,
    content = 'song_texts', content_rowid = 'number',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);
CREATE TRIGGER song_texts_added AFTER INSERT ON song_texts BEGIN
    INSERT INTO song_words(rowid, title, artist, album)
    VALUES (new.number, new.title, new.artist, new.album);
END;
CREATE TRIGGER song_texts_removed AFTER DELETE ON song_texts BEGIN
    INSERT INTO song_words(song_words, rowid, title, artist, album)
    VALUES ('delete', old.number, old.title, old.artist, old.album);
END;
CREATE VIEW readable_songs AS
    SELECT id, iif(json_valid(info), info, '{}') AS info FROM songs;
CREATE VIEW texts_of_songs AS
    SELECT id,
        coalesce(info ->> '$.name', '') AS title,
        coalesce(
            (
                SELECT group_concat(iif(type = 'object', value ->> '$.name', value), ', ')
                FROM json_each(iif(json_type(info, '$.artists') = 'array', info, '{}'), '$.artists')
            ),
            ''
        ) AS artist,
        coalesce(
            info ->> '$.album.name', iif(json_type(info, '$.album') = 'text', info ->> '$.album', ''), ''
        ) AS album
    FROM readable_songs;
CREATE TRIGGER songs_added AFTER INSERT ON songs BEGIN
    DELETE FROM song_texts WHERE song_id = new.id; -- INSERT OR REPLACE fires no delete trigger.
    INSERT INTO song_texts(song_id, title, artist, album)
    SELECT id, title, artist, album FROM texts_of_songs WHERE id = new.id;
END;
CREATE TRIGGER songs_changed AFTER UPDATE OF id, info ON songs BEGIN
    DELETE FROM song_texts WHERE song_id IN (old.id, new.id);
    INSERT INTO song_texts(song_id, title, artist, album)
    SELECT id, title, artist, album FROM texts_of_songs WHERE id = new.id;
END;
-- Programs that do not enforce foreign keys leave their rows behind.
CREATE TRIGGER songs_removed AFTER DELETE ON songs BEGIN
    DELETE FROM song_texts WHERE song_id = old.id;
END;
INSERT INTO song_texts(song_id, title, artist, album)
SELECT id, title, artist, album FROM texts_of_songs;
