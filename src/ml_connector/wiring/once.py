"""What a house opens once, whoever asks first and in whichever thread."""

from collections.abc import Callable
from threading import RLock
from typing import Any, Generic, TypeVar, overload

Made = TypeVar("Made")


class once(Generic[Made]):  # noqa: N801 - reads as the decorator it is.
    """A property made at first use, of the whole house, one thread at a time.

    `functools.cached_property` has no lock from Python 3.12 on, so that two threads would open two
    engines; and it would make them of the house it was asked of, in which a person acts.
    """

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self._make = make
        self._lock = RLock()
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, house: None, owner: type) -> "once[Made]": ...
    @overload
    def __get__(self, house: object, owner: type) -> Made: ...
    def __get__(self, house: Any, owner: type) -> "once[Made] | Made":
        """What was made; from then on it is found without this."""
        if house is None:
            return self
        made: dict[str, Any] = vars(house)
        with self._lock:
            if self._name not in made:
                made[self._name] = self._make(house._whole)  # noqa: SLF001 - the house's own.
            found: Made = made[self._name]
        return found
