from explorer.util.sorted_rows import grouped_values, values_in_order


def test_each_key_gets_the_value_of_its_row_or_the_default():
    rows = [("a", 1), ("b", 2), ("d", 4), ("e", 5)]
    assert list(values_in_order(["0", "b", "c", "d", "f"], iter(rows), 0)) == [0, 2, 0, 4, 0]
    assert list(values_in_order(["a"], [], 0)) == [0]
    assert list(values_in_order([], rows, 0)) == []


def test_the_values_of_a_key_are_distinct_and_in_order():
    rows = [("a", "x"), ("a", "y"), ("a", "x"), ("b", "x")]
    assert list(grouped_values(rows)) == [("a", ("x", "y")), ("b", ("x",))]
