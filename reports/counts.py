"""A number with its noun: for pages and terminals alike."""


def format_count(number: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun, such as ``1 seed`` and ``1,622 objects``.

    Args:
        number: how many.
        noun: what is counted, in the singular.
        plural: the noun's plural, where it is not made by an s.

    Returns:
        The text.
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
