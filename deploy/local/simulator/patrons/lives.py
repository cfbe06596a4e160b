"""What somebody does: purchases of their own accord, purchases that contacts cause, and one day no more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from random import Random
from typing import NamedTuple

from deploy.local.simulator.patrons.habits import Channel, Habit

_YEAR = 365.0
_HESITATION_DAYS = 0.25


class Contact(NamedTuple):
    """Somebody met a channel; `number` counts the contacts of one person."""

    at: float
    number: int
    channel: Channel


class Purchase(NamedTuple):
    """Somebody bought; `cause` is the contact without which they would not have, None without one."""

    at: float
    cause: Contact | None = None


@dataclass(frozen=True, slots=True)
class Latent:
    """What is true of somebody and told to nobody. Days and rates are those of the rhythm.

    Attributes:
        habit: How they behave.
        own_rate: Purchases a day of their own accord while they stay.
        caused_rate: Further purchases a day that contacts cause while they stay.
        joined: First purchase, days from the anchor.
        left: When they stopped to come; None: not before the anchor.
    """

    habit: Habit
    own_rate: float
    caused_rate: float
    joined: float
    left: float | None


@dataclass(frozen=True, slots=True)
class Life:
    """Somebody's behaviour until the anchor, day 0, each in order of time."""

    latent: Latent
    purchases: tuple[Purchase, ...]
    contacts: tuple[Contact, ...]


def live(random: Random, habit: Habit, channels: Sequence[Channel], joined: float) -> Life:
    """One life from its first purchase on; contacts begin with it and go on when nobody comes any more."""
    own_rate = random.gammavariate(habit.shape, habit.purchases_per_year / _YEAR / habit.shape)
    contacts = tuple(_contacts(random, channels, joined))
    stay = random.expovariate(habit.leaving_per_day) if habit.stay_days is not None else -joined
    left = joined + stay
    wishes = merge(
        [Purchase(joined)],
        (Purchase(at) for at in _stream(random, own_rate, joined)),
        sorted(_caused(random, contacts)),
        key=lambda wish: wish.at,
    )
    purchases = []
    for wish in wishes:
        if wish.at >= min(left, 0.0):
            break
        purchases.append(wish)
        if random.random() < habit.loss_ratio:
            left = wish.at
            break
    caused_rate = sum(channel.contacts_per_year * channel.effect for channel in channels) / _YEAR
    latent = Latent(habit, own_rate, caused_rate, joined, left if left < 0 else None)
    return Life(latent, tuple(purchases), contacts)


def _contacts(random: Random, channels: Sequence[Channel], joined: float) -> Iterator[Contact]:
    """Contacts come at a rate of their channel and not because somebody is about to buy."""
    met = [
        (at, channel)
        for channel in channels
        for at in _stream(random, channel.contacts_per_year / _YEAR, joined)
    ]
    for number, (at, channel) in enumerate(sorted(met, key=lambda one: one[0])):
        yield Contact(at, number, channel)


def _caused(random: Random, contacts: Sequence[Contact]) -> Iterator[Purchase]:
    """Purchases that follow some contacts within hours, if somebody still comes then."""
    for contact in contacts:
        if random.random() < contact.channel.effect:
            yield Purchase(contact.at + random.expovariate(1 / _HESITATION_DAYS), contact)


def _stream(random: Random, rate: float, after: float) -> Iterator[float]:
    """Times of a Poisson process until the anchor."""
    at = after
    while (at := at + random.expovariate(rate)) < 0:
        yield at
