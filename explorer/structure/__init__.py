"""What is inside a song: sections, tempo, key and similar moments. Arrays in, arrays out."""
