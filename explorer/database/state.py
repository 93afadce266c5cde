"""The model's queries: what made the vectors, and how its precision was chosen."""

from __future__ import annotations

import json

from explorer.database.connection import LibraryFile


class ModelTables(LibraryFile):
    """What is recorded of the one model that makes a library's vectors."""

    def model(self) -> dict | None:
        """Return the model that made the vectors, or None where there are none yet."""
        value = self._value("SELECT value FROM state WHERE key = 'model'")
        return None if value is None else json.loads(value)

    def precision_trial(self) -> dict | None:
        """Return what the model's precision was chosen on, or None where it was asked for."""
        value = self._value("SELECT value FROM state WHERE key = 'precision_trial'")
        return None if value is None else json.loads(value)

    def network(self) -> bytes | None:
        """Return the network that was quantised on this library's songs, or None."""
        return self._value("SELECT content FROM networks WHERE precision = 'int8'")

    def claim_model(
        self,
        model: dict,
        *,
        trial: dict | None = None,
        network: bytes | None = None,
        damaged: bytes | None = None,
    ) -> dict:
        """Record the model that makes the vectors, unless another program did so first.

        Parameters
        ----------
        trial : dict, optional
            What its precision was chosen on.
        network : bytes, optional
            What was quantised for it.
        damaged : bytes, optional
            A network of the library that `network` is to replace: any other stays.

        Returns
        -------
        dict
            The model that is recorded, whoever did it: vectors are to be made by that one.
        """
        text = json.dumps(model, sort_keys=True)
        with self.transaction():
            before = self._value("SELECT value FROM state WHERE key = 'model'")
            if before is None:
                self._rows("INSERT INTO state VALUES ('model', ?)", (text,))
                if trial is not None:
                    self._rows(
                        "INSERT OR REPLACE INTO state VALUES ('precision_trial', ?)",
                        (json.dumps(trial, sort_keys=True),),
                    )
            if network is not None and before in (None, text):
                self._rows(
                    """INSERT INTO networks VALUES ('int8', ?)
                       ON CONFLICT DO UPDATE SET content = excluded.content WHERE content = ?""",
                    (network, damaged),
                )
        return json.loads(before or text)
