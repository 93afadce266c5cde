"""Running the embedding over a folder, so that it can stop and go on."""
