from explorer import demo
from explorer.demo import quick_precision


def test_the_demo_is_embedded_in_what_the_processor_does_fast(monkeypatch):
    monkeypatch.setattr(demo, "native_precisions", lambda: ("float32", "bfloat16", "int8"))
    assert quick_precision() == "bfloat16"
    monkeypatch.setattr(demo, "native_precisions", lambda: ("float32", "int8"))
    assert quick_precision() == "float32"
