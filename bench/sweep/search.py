"""Search a space that is too large to measure whole: Optuna proposes, by what those before have reached.

Nothing of a search is kept but the records: the same seed and the same records propose the same variants, so after a
stop the search is gone through again, and goes on where a record is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from bench.errors import UserError
from variants.product import Product
from variants.spec import VariantSpec

if TYPE_CHECKING:
    import optuna

Sampler = Literal["nsga2", "tpe", "random"]
WORDS: dict[Sampler, str] = {"nsga2": "NSGA-II", "tpe": "a tree-structured Parzen estimator", "random": "chance"}
_PROPOSALS_A_VARIANT = 100
"""After so many without a new variant, the search has nothing new to propose."""
_PRODUCT = "product"

Excess = Callable[[VariantSpec], Mapping[str, float]]
"""By limit, by which share a variant is above it: 0 or less is within. Empty without limits."""


@dataclass(frozen=True)
class Reached:
    """What a variant came to. miou: on the validation split, mean of the seeds, 0 to 1."""

    miou: float
    macs: float


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """How to search. variants: to choose in all. batch: chosen at a time; NSGA-II's population."""

    sampler: Sampler
    variants: int
    batch: int
    seed: int

    def describe(self) -> str:
        """In words, with the version that decides what is proposed."""
        import optuna

        return f"{WORDS[self.sampler]} (Optuna {optuna.__version__}), {self.batch} at a time, seed {self.seed}"


def check_optuna() -> None:
    """Refuse a search where Optuna is not installed.

    Raises:
        UserError: naming the extra.
    """
    if find_spec("optuna") is None:
        raise UserError(
            "--search needs optuna, which is not installed here. `pip install 'segmentation-bench[search]'` installs "
            "it."
        )


@dataclass(kw_only=True)
class Search:
    """Proposes variants of products of axes, batch by batch: ask, measure, tell."""

    products: Sequence[Product]
    strategy: Strategy
    excess: Excess
    chosen: list[VariantSpec] = field(default_factory=list)
    refused: set[VariantSpec] = field(default_factory=set)
    """Proposed, and beyond the limits: known before training, and not measured."""
    _reached: dict[VariantSpec, Reached | None] = field(default_factory=dict)
    _open: list[tuple[optuna.Trial, VariantSpec]] = field(default_factory=list)
    """Of the batch that is being measured."""

    def __post_init__(self) -> None:
        self._study = _new_study(self.strategy)

    @property
    def combinations(self) -> int:
        """Of all axes; more than there are variants."""
        return sum(product.size for product in self.products)

    def ask(self) -> list[VariantSpec]:
        """The next variants to measure; empty when all are chosen, or nothing new is proposed."""
        wanted = min(self.strategy.batch, self.strategy.variants - len(self.chosen))
        batch: list[VariantSpec] = []
        for _ in range(_PROPOSALS_A_VARIANT * wanted):
            if len(batch) == wanted:
                break
            spec = self._propose()
            if spec is not None and spec not in batch:
                batch.append(spec)
        self.chosen += batch
        return batch

    def tell(self, reached: Mapping[VariantSpec, Reached]) -> None:
        """What the batch came to; one that is not there has failed."""
        for trial, spec in self._open:
            self._reached[spec] = reached.get(spec)
            self._close(trial, spec)
        self._open.clear()

    def _propose(self) -> VariantSpec | None:
        """A variant that is new and within the limits; otherwise the study is told why it is none."""
        from optuna.trial import TrialState

        trial = self._study.ask()
        spec = self._draw(trial)
        if spec is None:
            self._study.tell(trial, state=TrialState.FAIL)
        elif spec in self._reached:
            self._close(trial, spec)
        elif self._is_beyond(trial, spec):
            self.refused.add(spec)
            self._study.tell(trial, (0.0, 0.0))  # ordered by their excess alone: these are not looked at
        else:
            self._open.append((trial, spec))
            return spec
        return None

    def _draw(self, trial: optuna.Trial) -> VariantSpec | None:
        """Every trial draws all axes of all products, those that do not apply too: samplers need the same of each."""
        index = trial.suggest_categorical(_PRODUCT, range(len(self.products))) if len(self.products) > 1 else 0
        combinations = [self._combination(trial, number) for number in range(len(self.products))]
        return self.products[index].make(combinations[index]).spec

    def _combination(self, trial: optuna.Trial, number: int) -> dict[str, Any]:
        prefix = f"{number}." if len(self.products) > 1 else ""
        axes = self.products[number].axes
        return {name: _suggest(trial, prefix + name, axis.values) for name, axis in axes.items()}

    def _is_beyond(self, trial: optuna.Trial, spec: VariantSpec) -> bool:
        excess = self.excess(spec)
        for limit, share in excess.items():
            trial.set_constraint(limit, share)
        return is_beyond(excess)

    def _close(self, trial: optuna.Trial, spec: VariantSpec) -> None:
        from optuna.trial import TrialState

        reached = self._reached[spec]
        if reached is None:
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, (reached.miou, reached.macs))


def is_beyond(excess: Mapping[str, float]) -> bool:
    """Whether any limit is passed."""
    return any(share > 0 for share in excess.values())


def _suggest(trial: optuna.Trial, name: str, values: Sequence[Any]) -> Any:
    """Numbers have an order, which a sampler may use; the place of a value stands for it."""
    if len(values) == 1:
        return values[0]
    if all(isinstance(value, int | float) for value in values):
        ordered = sorted(values)
        return ordered[trial.suggest_int(name, 0, len(ordered) - 1)]
    return values[trial.suggest_categorical(name, range(len(values)))]


def _new_study(strategy: Strategy) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(sampler=_sampler(strategy), directions=["maximize", "minimize"])


def _sampler(strategy: Strategy) -> optuna.samplers.BaseSampler:
    from optuna.samplers import NSGAIISampler, RandomSampler, TPESampler

    if strategy.sampler == "nsga2":
        return NSGAIISampler(population_size=max(2, strategy.batch), seed=strategy.seed)
    if strategy.sampler == "tpe":
        return TPESampler(n_startup_trials=max(10, strategy.batch), seed=strategy.seed)
    return RandomSampler(seed=strategy.seed)
