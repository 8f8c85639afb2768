"""The course of a rally: ball contacts, runs and actions, all functions of a seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Play = Literal["rally", "net", "defence"]
Kind = Literal["serve", "receive", "set", "spike", "block", "dig", "dive"]

GRAVITY = 9.81
"""m/s^2."""

CRUISE = 2.5
"""m/s: highest mean speed of a run; its peak is 15/8 of that, 4.7 m/s."""

_START = -3.0
"""Seconds: runs begin before the first frame, so that it shows people in motion."""

_SPOTS = {
    6: ((-3.0, 2.3), (0.3, 2.0), (3.0, 2.4), (-2.9, 6.3), (0.0, 7.4), (2.9, 6.5)),
    2: ((-1.9, 4.8), (1.9, 5.0)),
}
"""Where a team stands: metres across, and from the net."""

_REST = {"serve": 0.9, "receive": 0.3, "set": 0.3, "spike": 0.7, "block": 0.6, "dig": 0.3}
_DIVE_REST = 1.75


@dataclass(frozen=True, slots=True)
class Move:
    """A straight run, with the speed of a minimum-jerk motion."""

    start_s: float
    end_s: float
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    walked: float
    """Metres run before this one."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a player does at a moment: for jumps the highest point, else the ball contact."""

    kind: Kind
    time_s: float
    height: float = 0.0
    """Metres: rise of the body in a jump."""

    @property
    def flight_s(self) -> float:
        """Half the time in the air: sqrt(2 h / g)."""
        return float(np.sqrt(2 * self.height / GRAVITY))


@dataclass(slots=True)
class Player:
    """One player's part; times in `moves` and `actions` ascend."""

    far: bool
    spot: int
    height: float
    offset: float
    """Seconds by which small idle motions differ from those of others."""
    moves: list[Move] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    free_s: float = _START

    def place(self, time_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Position [2], velocity [2] (m, m/s) on the court and metres run up to a time."""
        current = self.moves[0]
        for move in self.moves:
            if move.start_s > time_s:
                break
            current = move
        span = max(current.end_s - current.start_s, 1e-6)
        u = min(max((time_s - current.start_s) / span, 0.0), 1.0)
        share = u**3 * (10 - 15 * u + 6 * u**2)
        rate = 30 * u**2 * (1 - u) ** 2 / span
        way = current.end - current.start
        length = float(np.linalg.norm(way))
        return current.start + share * way, rate * way, current.walked + share * length

    def run(self, target: NDArray[np.float64], arrive_s: float) -> NDArray[np.float64]:
        """Run to a place, or as far as time allows; returns where the player arrives."""
        last = self.moves[-1]
        way = target - last.end
        length = float(np.linalg.norm(way))
        available = arrive_s - self.free_s
        if available < 0.25 or length < 0.05:
            return last.end
        reach = min(length, CRUISE * available)
        end = last.end + way * (reach / length)
        begin = max(self.free_s, arrive_s - max(0.5, reach / (0.85 * CRUISE)))
        walked = last.walked + float(np.linalg.norm(last.end - last.start))
        self.moves.append(Move(begin, arrive_s, last.end, end, walked))
        self.free_s = arrive_s
        return end

    def act(self, action: Action) -> None:
        """Do something now; the player is busy until it is over."""
        self.actions.append(action)
        rest = _DIVE_REST if action.kind == "dive" else _REST[action.kind]
        self.free_s = max(self.free_s, action.time_s + rest)


@dataclass(frozen=True, slots=True)
class Contact:
    """The ball is touched: time in seconds, place in world metres."""

    time_s: float
    place: NDArray[np.float64]


class Course:
    """Everything that happens from `_START` to the end; later events never change earlier ones."""

    def __init__(self, seed: int, team_size: int, play: Play, end_s: float) -> None:
        self._rng = np.random.default_rng(seed)
        self._play = play
        self._spots = _SPOTS[team_size]
        self.players = [
            self._newcomer(far, spot) for far in (False, True) for spot in range(team_size)
        ]
        self.contacts: list[Contact] = [Contact(_START, np.array([2.0, -8.5, 1.2]))]
        self._rally(end_s)

    def ball(self, time_s: float) -> NDArray[np.float64]:
        """World position [3] of the ball: a ballistic arc between two contacts."""
        times = [contact.time_s for contact in self.contacts]
        i = min(max(int(np.searchsorted(times, time_s)) - 1, 0), len(times) - 2)
        first, second = self.contacts[i], self.contacts[i + 1]
        span = second.time_s - first.time_s
        u = (time_s - first.time_s) / span
        place = first.place + u * (second.place - first.place)
        place[2] += 0.5 * GRAVITY * span**2 * u * (1 - u)
        return place

    def _newcomer(self, far: bool, spot: int) -> Player:
        player = Player(
            far=far,
            spot=spot,
            height=float(self._rng.uniform(1.80, 2.02)),
            offset=float(self._rng.uniform(0, 5)),
        )
        at = self._on_court(far, *self._spots[spot]) + self._rng.normal(0, 0.4, 2)
        player.moves.append(Move(_START, _START, at, at, 0.0))
        return player

    @staticmethod
    def _on_court(far: bool, across: float, from_net: float) -> NDArray[np.float64]:
        """A place on one half, seen from its own end line."""
        return np.array([-across, from_net] if far else [across, -from_net])

    def _team(self, far: bool) -> list[Player]:
        return [player for player in self.players if player.far == far]

    def _hit(self, time_s: float, at: NDArray[np.float64], height: float) -> None:
        self.contacts.append(Contact(time_s, np.array([at[0], at[1], height])))

    def _rally(self, end_s: float) -> None:
        far = bool(self._rng.integers(2)) if self._play != "defence" else True
        time_s = self._serve(far, 0.25)
        far = not far
        while time_s < end_s + 4:
            time_s = self._receive(far, time_s, first=len(self.contacts) < 4)
            time_s = self._attack(far, time_s)
            far = not far

    def _serve(self, far: bool, time_s: float) -> float:
        server = self._team(far)[-1]
        at = server.run(self._on_court(far, 2.0, 8.6), time_s)
        server.act(Action("serve", time_s, 0.5))
        self._hit(time_s, at, 2.75)
        server.run(self._on_court(far, 1.0, 6.5), time_s + 3.2)
        return time_s + 1.15

    def _nearest(self, team: list[Player], place: NDArray[np.float64], time_s: float) -> Player:
        def cost(player: Player) -> float:
            gap = float(np.linalg.norm(player.moves[-1].end - place))
            return gap + 4 * max(0.0, player.free_s + 0.4 - time_s) * CRUISE

        return min(team, key=cost)

    def _receive(self, far: bool, time_s: float, *, first: bool) -> float:
        """One player digs the ball; returns the time of the set."""
        rng, team = self._rng, self._team(far)
        width, depth = (3.2, (4.5, 7.5)) if len(team) > 2 else (2.8, (3.5, 6.0))
        if self._play == "net":
            depth = (1.6, 4.0)
        place = self._on_court(far, rng.uniform(-width, width), rng.uniform(*depth))
        digger = self._nearest(team, place, time_s)
        diving = (
            not first and rng.random() < {"rally": 0.35, "net": 0.1, "defence": 0.8}[self._play]
        )
        at = digger.run(place, time_s)
        digger.act(Action("dive" if diving else "receive", time_s))
        way = digger.moves[-1].end - digger.moves[-1].start
        reach = way / max(float(np.linalg.norm(way)), 0.5) * (0.9 if diving else 0.35)
        self._hit(time_s, at + reach, 0.35 if diving else 0.85)
        if self._play == "defence" and not far and rng.random() < 0.8:
            return self._chase(digger, time_s)
        return time_s + float(rng.uniform(1.0, 1.3))

    def _chase(self, digger: Player, time_s: float) -> float:
        """The ball flies off the court; the nearest other player runs out and brings it back."""
        side = float(self._rng.choice((-1.0, 1.0)))
        place = np.array([side * 7.4, -self._rng.uniform(6.5, 8.5)])
        others = [p for p in self._team(far=False) if p is not digger]
        chaser = self._nearest(others, place, time_s + 2.2)
        arrive = time_s + 2.2
        at = chaser.run(place, arrive)
        chaser.act(Action("receive", arrive))
        self._hit(arrive, at, 0.9)
        chaser.run(self._on_court(False, *self._spots[chaser.spot]), arrive + 3.4)
        return arrive + 1.4

    def _attack(self, far: bool, set_s: float) -> float:
        """Set, approach, spike and block; returns the time at which the other half digs."""
        rng, team = self._rng, self._team(far)
        free = [p for p in team if p.free_s < set_s - 0.4] or team
        place = self._on_court(far, rng.uniform(-0.5, 1.5), rng.uniform(0.9, 1.8))
        setter = self._nearest(free, place, set_s)
        at = setter.run(place, set_s)
        setter.act(Action("set", set_s))
        self._hit(set_s, at, 2.25)
        spike_s = set_s + float(rng.uniform(0.95, 1.25))
        hitters = [p for p in team if p is not setter and p.free_s < spike_s - 0.9]
        front = sorted(hitters, key=lambda p: abs(p.moves[-1].end[1]))[:3] or [team[0]]
        lanes = rng.permutation(np.array([-3.0, 0.2, 3.0]) * (1.0 if len(team) > 2 else 0.8))
        hit_at = self._spike(far, front, lanes, spike_s)
        self._block(not far, hit_at, spike_s)
        self._shift(far, setter, spike_s)
        return spike_s + float(rng.uniform(0.5, 0.7))

    def _spike(
        self, far: bool, hitters: list[Player], lanes: NDArray[np.float64], spike_s: float
    ) -> NDArray[np.float64]:
        """Hitters run to the net in lanes that often cross; the first one spikes."""
        rng = self._rng
        hit_at = np.zeros(2)
        decoys = {"rally": 0.5, "net": 1.0, "defence": 0.3}[self._play]
        for i, (player, lane) in enumerate(zip(hitters, lanes, strict=False)):
            moment = spike_s - (0.0 if i == 0 else 0.12 * i + float(rng.uniform(0.05, 0.3)))
            jumps = i == 0 or rng.random() < decoys
            target = self._on_court(far, float(lane), 0.75 + (0.0 if jumps else 1.6))
            if i == 0 and player.free_s < spike_s - 1.9:
                player.run(self._on_court(far, float(lane) * 1.15, 3.6), spike_s - 1.15)
            at = player.run(target, moment)
            if jumps:
                player.act(Action("spike", moment, float(rng.uniform(0.6, 0.85))))
            if i == 0:
                hit_at = at
        self._hit(spike_s, hit_at + np.array([0, -0.15 if far else 0.15]), 3.05)
        return hit_at

    def _block(self, far: bool, hit_at: NDArray[np.float64], spike_s: float) -> None:
        rng, team = self._rng, self._team(far)
        count = 1 if len(team) == 2 else {"rally": 2, "net": 3, "defence": 2}[self._play]
        free = [p for p in team if p.free_s < spike_s - 0.6]
        free.sort(key=lambda p: abs(p.moves[-1].end[1]) + 0.6 * abs(p.moves[-1].end[0] - hit_at[0]))
        blockers = sorted(free[:count], key=lambda p: float(p.moves[-1].end[0]))
        for i, player in enumerate(blockers):
            across = hit_at[0] + (i - (len(blockers) - 1) / 2) * 0.72
            player.run(np.array([across, 0.42 if far else -0.42]), spike_s - 0.15)
            moment = spike_s + float(rng.uniform(0.0, 0.08))
            player.act(Action("block", moment, float(rng.uniform(0.5, 0.72))))

    def _shift(self, far: bool, setter: Player, spike_s: float) -> None:
        """The others of both teams move to defend or to cover."""
        rng = self._rng
        close = {"rally": 1.0, "net": 0.6, "defence": 1.05}[self._play]
        for player in self.players:
            if player is setter or player.free_s > spike_s - 0.5:
                continue
            across, from_net = self._spots[player.spot]
            pull = 0.75 if player.far == far else 1.0
            across, from_net = across + rng.normal(0, 0.5), from_net * close * pull
            target = self._on_court(player.far, across, max(1.1, from_net + rng.normal(0, 0.5)))
            player.run(target, spike_s)
