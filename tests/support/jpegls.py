"""A JPEG-LS decoder written from the standard (ITU-T T.87, ISO/IEC 14495-1), for judging what another one wrote.

Slow and plain on purpose: it shares nothing with CharLS, which writes and reads JPEG-LS everywhere else here, not even
an ancestor. 8 bits, every interleave mode, lossless and near-lossless; no restart intervals, no mapping tables.

    decode(stream)      # uint8 [H, W] or [H, W, C]
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_J = (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15)  # A.2.1
_RESET, _MIN_C, _MAX_C = 64, -128, 127


def decode(stream: bytes) -> NDArray[np.uint8]:
    """The samples of a whole stream (T.87 C); ValueError for what it is not made for."""
    assert stream[:2] == b"\xff\xd8"
    at, planes, shape = 2, [], (0, 0, 0)
    while stream[at + 1] != 0xD9:
        marker, length = stream[at + 1], int.from_bytes(stream[at + 2 : at + 4], "big")
        body = stream[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == 0xF7:
            shape = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"), body[5]
            if body[0] != 8:
                raise ValueError("not 8 bits")
        elif marker == 0xDA:
            count, near, interleave = body[0], body[1 + 2 * body[0]], body[2 + 2 * body[0]]
            scan = _Scan(_Bits(stream, at), shape[1], count, near)
            planes += scan.read(shape[0], interleave)
            at = scan.bits.end()
        elif marker != 0xE8:
            raise ValueError(f"segment {marker:02X}")
    samples = np.array(planes, np.uint8)
    return samples[0] if len(samples) == 1 else np.ascontiguousarray(samples.transpose(1, 2, 0))


class _Bits:
    """Bits of a scan; behind FF follows a byte of seven (A.1)."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at, self._value, self._left = data, at, 0, 0

    def bit(self) -> int:
        if not self._left:
            self._left = 7 if self._value == 0xFF else 8
            self._value, self._at = self._data[self._at], self._at + 1
        self._left -= 1
        return self._value >> self._left & 1

    def number(self, bits: int) -> int:
        value = 0
        for _ in range(bits):
            value = value << 1 | self.bit()
        return value

    def end(self) -> int:
        """Where the next marker is."""
        at = self._at
        if self._data[at - 1] == 0xFF and self._data[at] < 0x80:
            at += 1  # the byte that follows a last FF
        while not (self._data[at] == 0xFF and self._data[at + 1] >= 0x80):
            at += 1
        return at


@dataclass
class _Context:
    """The state of the regular and run interruption contexts of a scan (A.2.1, A.8)."""

    a: list[int]
    b: list[int] = field(default_factory=lambda: [0] * 367)
    c: list[int] = field(default_factory=lambda: [0] * 367)
    n: list[int] = field(default_factory=lambda: [1] * 367)
    nn: list[int] = field(default_factory=lambda: [0, 0])


class _Scan:
    def __init__(self, bits: _Bits, width: int, count: int, near: int) -> None:
        self.bits, self._width, self._count, self._near = bits, width, count, near
        self._range = (255 + 2 * near) // (2 * near + 1) + 1
        self._qbpp = max(1, (self._range - 1).bit_length())
        self._limit = 2 * (8 + 8)
        self._thresholds = _thresholds(near)
        self._state = _Context([max(2, (self._range + 32) // 64)] * 367)

    def read(self, height: int, interleave: int) -> list[list[list[int]]]:
        """The planes of the scan, row by row."""
        planes: list[list[list[int]]] = [[] for _ in range(self._count)]
        above = [[0] * (self._width + 2) for _ in range(self._count)]
        corners, runs = [0] * self._count, [0] * self._count
        for _ in range(height):
            rows = [[above[c][1], *[0] * (self._width + 1)] for c in range(self._count)]
            for c in range(self._count):
                above[c] = [corners[c], *above[c][1:-1], above[c][-2]]
            if interleave == 2:
                runs[0] = self._row_of_samples(rows, above, runs[0])
            else:
                for c in range(self._count):
                    runs[c] = self._row(rows[c], above[c], runs[c])
            for c in range(self._count):
                corners[c] = rows[c][0]
                planes[c].append(rows[c][1:-1])
            above = rows
        return planes

    def _row(self, row: list[int], above: list[int], run: int) -> int:
        """One component (A.3 to A.7); returns RUNindex."""
        x = 1
        while x <= self._width:
            gradients = self._gradients(row, above, x)
            if any(gradients):
                row[x] = self._regular(gradients, row[x - 1], above[x], above[x - 1])
                x += 1
                continue
            length, run, interrupted = self._run(x, run)
            row[x : x + length] = [row[x - 1]] * length
            x += length
            if interrupted:
                row[x] = self._interruption(row[x - 1], above[x], run)
                run, x = max(0, run - 1), x + 1
        return run

    def _row_of_samples(self, rows: list[list[int]], above: list[list[int]], run: int) -> int:
        """All components of a pixel before the next one (B.3): a run is one of all, and so is its interruption."""
        x = 1
        while x <= self._width:
            each = [self._gradients(rows[c], above[c], x) for c in range(self._count)]
            if any(any(gradients) for gradients in each):
                for c, gradients in enumerate(each):
                    rows[c][x] = self._regular(gradients, rows[c][x - 1], above[c][x], above[c][x - 1])
                x += 1
                continue
            length, run, interrupted = self._run(x, run)
            for row in rows:
                row[x : x + length] = [row[x - 1]] * length
            x += length
            if interrupted:
                for c, row in enumerate(rows):
                    row[x] = self._interruption(row[x - 1], above[c][x], run, always_first=True)
                run, x = max(0, run - 1), x + 1
        return run

    def _gradients(self, row: list[int], above: list[int], x: int) -> tuple[int, int, int]:
        a, b, c, d = row[x - 1], above[x], above[x - 1], above[x + 1]
        return self._quantised(d - b), self._quantised(b - c), self._quantised(c - a)

    def _quantised(self, difference: int) -> int:
        """A.3.3."""
        size = abs(difference)
        if size <= self._near:
            return 0
        level = next((number for number, edge in enumerate(self._thresholds, 1) if size < edge), 4)
        return level if difference > 0 else -level

    def _regular(self, gradients: tuple[int, int, int], a: int, b: int, c: int) -> int:
        """A.4, A.5, A.6."""
        state = self._state
        index = 81 * gradients[0] + 9 * gradients[1] + gradients[2]
        sign = 1 if index >= 0 else -1
        q = abs(index)
        predicted = min(a, b) if c >= max(a, b) else max(a, b) if c <= min(a, b) else a + b - c
        predicted = min(255, max(0, predicted + sign * state.c[q]))
        k = 0
        while state.n[q] << k < state.a[q]:
            k += 1
        mapped = self._golomb(k, self._limit)
        if self._near == 0 and k == 0 and 2 * state.b[q] <= -state.n[q]:
            error = mapped // 2 if mapped % 2 else -(mapped // 2) - 1
        else:
            error = -(mapped + 1) // 2 if mapped % 2 else mapped // 2
        self._update(q, error)
        return self._restored(predicted, sign * error)

    def _update(self, q: int, error: int) -> None:
        """A.6."""
        state = self._state
        state.b[q] += error * (2 * self._near + 1)
        state.a[q] += abs(error)
        if state.n[q] == _RESET:
            state.a[q], state.b[q], state.n[q] = state.a[q] >> 1, state.b[q] >> 1, state.n[q] >> 1
        state.n[q] += 1
        if state.b[q] <= -state.n[q]:
            state.b[q] = max(state.b[q] + state.n[q], 1 - state.n[q])
            state.c[q] = max(state.c[q] - 1, _MIN_C)
        elif state.b[q] > 0:
            state.b[q] = min(state.b[q] - state.n[q], 0)
            state.c[q] = min(state.c[q] + 1, _MAX_C)

    def _restored(self, predicted: int, error: int) -> int:
        value = predicted + error * (2 * self._near + 1)
        span = self._range * (2 * self._near + 1)
        if value < -self._near:
            value += span
        elif value > 255 + self._near:
            value -= span
        return min(255, max(0, value))

    def _golomb(self, k: int, limit: int) -> int:
        """A.5.3."""
        high = 0
        while not self.bits.bit():
            high += 1
        if high < limit - self._qbpp - 1:
            return high << k | self.bits.number(k)
        return self.bits.number(self._qbpp) + 1

    def _run(self, x: int, run: int) -> tuple[int, int, bool]:
        """A.7.1: how many samples repeat, RUNindex, and whether something else follows in this line."""
        length = 0
        while x + length <= self._width and self.bits.bit():
            step = min(1 << _J[run], self._width + 1 - x - length)
            whole = step == 1 << _J[run]
            length += step
            run = min(31, run + 1) if whole else run
            if x + length > self._width:
                return length, run, False
        return length + self.bits.number(_J[run]), run, True

    def _interruption(self, a: int, b: int, run: int, *, always_first: bool = False) -> int:
        """A.7.2; of interleaved samples every one has the context of a difference (B.3)."""
        state = self._state
        kind = 0 if always_first else int(abs(a - b) <= self._near)
        q = 365 + kind
        total = state.a[q] + (state.n[q] >> 1) * kind
        k = 0
        while state.n[q] << k < total:
            k += 1
        mapped = self._golomb(k, self._limit - _J[run] - 1)
        odd = (mapped + kind) & 1
        size = (mapped + kind + odd) // 2
        error = -size if (k != 0 or 2 * state.nn[kind] >= state.n[q]) == bool(odd) else size
        if error < 0:
            state.nn[kind] += 1
        state.a[q] += (mapped + 1 - kind) >> 1
        if state.n[q] == _RESET:
            state.a[q], state.n[q], state.nn[kind] = state.a[q] >> 1, state.n[q] >> 1, state.nn[kind] >> 1
        state.n[q] += 1
        sign = -1 if not kind and a > b else 1
        return self._restored(a if kind else b, sign * error)


def _thresholds(near: int) -> tuple[int, int, int]:
    """C.2.4.1.1.1 for 8 bits."""
    first = min(255, max(near + 1, 3 + 3 * near))
    second = min(255, max(first, 7 + 5 * near))
    return first, second, min(255, max(second, 21 + 7 * near))
