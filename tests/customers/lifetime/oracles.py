"""The models told again by other means: mixtures integrated numerically, and histories drawn at random."""

import numpy as np
from scipy.integrate import quad
from scipy.stats import beta as beta_law
from scipy.stats import gamma as gamma_law

from services.customers.lifetime.summaries import Summaries


def rows(*histories):
    x, recency, age = np.array(histories, float).T
    return Summaries(x, recency, age, np.ones(len(x)))


def mixed(function, *laws):
    """The mean of a function over independent laws, by quadrature in each law's own probability."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    # the map u = v^3 (10 - 15 v + 6 v^2) spreads the nodes into both tails
    v = (nodes + 1) / 2
    u, w = v**3 * (10 - 15 * v + 6 * v**2), weights / 2 * 30 * v**2 * (1 - v) ** 2
    first, second = np.meshgrid(*(law.ppf(u) for law in laws), indexing="ij")
    return float(w @ function(first, second) @ w)


def pareto_likelihood(at, x, recency, age):
    r, alpha, s, beta = at

    def conditional(rate, loss):
        left = rate / (rate + loss) * np.exp(-(rate + loss) * age)
        return rate**x * (left + loss / (rate + loss) * np.exp(-(rate + loss) * recency))

    return mixed(conditional, gamma_law(r, scale=1 / alpha), gamma_law(s, scale=1 / beta))


def geometric_likelihood(at, x, recency, age, *, lost_at_first):
    r, alpha, a, b = at

    def conditional(rate, lost):
        stayed = (1 - lost) ** (x + lost_at_first) * np.exp(-rate * age)
        if x or lost_at_first:
            stayed = stayed + lost * (1 - lost) ** (x + lost_at_first - 1) * np.exp(-rate * recency)
        return rate**x * stayed

    return mixed(conditional, gamma_law(r, scale=1 / alpha), beta_law(a, b))


def lomax_mean_lifetime(until, s, time):
    """Time alive within `time` of a customer alive at T: the survival of the loss, integrated."""
    return quad(lambda u: (until / (until + u)) ** s, 0, time)[0]


def drawn(at, count, age, seed, *, until=None, lost_at_first=False, pareto=False):
    """Histories up to `age` of customers as the model has them; with `until`, their purchases up to then."""
    chance = np.random.default_rng(seed)
    r, alpha, third, fourth = at
    rate = chance.gamma(r, 1 / alpha, count)
    lost = np.zeros(count) if pareto else chance.beta(third, fourth, count)
    lifetime = (
        chance.exponential(1 / chance.gamma(third, 1 / fourth, count)) if pareto else np.full(count, np.inf)
    )
    x, recency, now, later = (np.zeros(count) for _ in range(4))
    here = chance.random(count) >= lost * lost_at_first
    while here.any():
        now[here] += chance.exponential(1 / rate[here])
        here &= (now <= (until or age)) & (now <= lifetime)
        early = here & (now <= age)
        x[early] += 1
        recency[early] = now[early]
        later[here & ~early] += 1
        here &= chance.random(count) >= lost
    seen = Summaries(x, recency, np.full(count, float(age)), np.ones(count))
    return (seen, later) if until else seen
