"""Sharing requests out by weight: smooth, without chance, exact over every hundred requests with whole percents."""


class Split:
    """Smooth weighted round-robin: of the weights 90 and 10 every tenth request goes to the second, never ten in a row."""

    def __init__(self, weights: dict[str, float]) -> None:
        self.weights = {name: weight for name, weight in weights.items() if weight > 0}
        self._total = sum(self.weights.values())
        self._credit = dict.fromkeys(self.weights, 0.0)

    def next(self) -> str | None:
        """The name whose turn it is; ``None`` when nobody has weight."""
        if len(self._credit) < 2:
            return next(iter(self._credit), None)
        for name, weight in self.weights.items():
            self._credit[name] += weight
        chosen = max(self._credit, key=self._credit.__getitem__)
        self._credit[chosen] -= self._total
        return chosen


class Sample:
    """Whose copies a request is mirrored to: each name independently, its percent of all requests, evenly spaced."""

    def __init__(self, percents: dict[str, float]) -> None:
        self.percents = {name: percent for name, percent in percents.items() if percent > 0}
        self._owed = dict.fromkeys(self.percents, 0.0)

    def next(self) -> list[str]:
        """The names that get a copy of this request."""
        due = []
        for name, percent in self.percents.items():
            self._owed[name] += percent
            if self._owed[name] >= 100:
                self._owed[name] -= 100
                due.append(name)
        return due
