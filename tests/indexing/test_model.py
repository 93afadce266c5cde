import pytest

from explorer.indexing.model import Model, is_same_model

MODEL = Model("openl3", "a" * 64, trained=True, hop_s=0.5, precision="float32").record()


@pytest.mark.parametrize(
    ("recorded", "same"),
    [
        (MODEL, True),
        (MODEL | {"weights": "a copy.h5"}, True),
        (MODEL | {"added_later": 1}, True),
        (MODEL | {"openl3": False}, True),
        ({key: value for key, value in MODEL.items() if key != "pooling"}, True),
        (None, False),
        (MODEL | {"weights_sha256": "b" * 64}, False),
        (MODEL | {"trained": False}, False),
        (MODEL | {"hop_s": 0.25}, False),
        (MODEL | {"precision": "int8"}, False),
        (MODEL | {"pooling": "mean"}, False),
        (Model.unknown().record(), False),
    ],
)
def test_models_are_the_same_only_if_nothing_but_the_name_differs(recorded, same):
    assert is_same_model(recorded, MODEL) is same
