"""Who trades at the sample firm: fixed traits, one profile per trader."""

from dataclasses import dataclass

from ingestion.simulator.market import EQUITIES


@dataclass(frozen=True)
class Profile:
    """A trader's traits; what varies from day to day is in `traders`.

    Attributes:
        code: Account code.
        families: What is traded: equity symbols, futures roots, option families.
        skill: Expected net of a usual day in standard deviations of such a day.
        typical: Dollars an average day moves the account, up or down.
        trips: Round trips on a usual day.
        hold: Minutes a trip lasts on average.
        presence: Share of sessions traded.
        tilt: How much losing days raise size and number and spoil the edge.
        fatigue: How much busy days before spoil the edge.
        makes: Share of orders that rest and earn the rebate.
        overnight: Chance per day of a new position held for days.
        sends_intention: Whether T and C are used, or B and S only.
        leaves_status_blank: Whether the status of fills is empty.
        has_detailed_fees: Whether the longer list of fee columns applies.
        chases: Whether a losing trip makes the next one of the day larger.
        remark: Follows the code in the account's name.
        last_sessions: Trades on that many sessions at the end only; 0 is all.
        missing_sessions: Stopped that many sessions before the end.
        changes_account: Trades in `<code>_OLD` for the first half.
        trades: False for an account that never does.
        currency: Of the account, ISO 4217.
    """

    code: str
    families: tuple[str, ...] = ()
    skill: float = 0.0
    typical: float = 600.0
    trips: float = 6.0
    hold: float = 22.0
    presence: float = 0.92
    tilt: float = 1.0
    fatigue: float = 1.0
    makes: float = 0.4
    overnight: float = 0.0
    sends_intention: bool = True
    leaves_status_blank: bool = False
    has_detailed_fees: bool = False
    chases: bool = False
    remark: str = ""
    last_sessions: int = 0
    missing_sessions: int = 0
    changes_account: bool = False
    trades: bool = True
    currency: str = "USD"

    @property
    def status(self) -> str:
        """Of the trader's regular fills."""
        return "" if self.leaves_status_blank else "REGULAR"


def _shares(start: int, count: int = 6) -> tuple[str, ...]:
    """`count` equities in order of the list, from its start again after its end."""
    return tuple(EQUITIES[(start + step) % len(EQUITIES)] for step in range(count))


CAST = (
    Profile("SIM001", _shares(0), skill=0.05, typical=700, chases=True),
    Profile(
        "SIM002",
        _shares(3),
        skill=0.20,
        typical=550,
        trips=7,
        sends_intention=False,
        leaves_status_blank=True,
        tilt=0.6,
    ),
    Profile("SIM003", _shares(6), skill=-0.10, typical=900, tilt=2.0, chases=True),
    Profile(
        "SIM004",
        _shares(9, 8),
        skill=0.20,
        typical=800,
        trips=2.5,
        hold=45,
        overnight=0.45,
        presence=0.88,
    ),
    Profile("SIM005", _shares(12), skill=0.12, typical=3200, trips=7, tilt=1.3),
    Profile(
        "SIM006",
        _shares(15),
        skill=0.22,
        typical=350,
        trips=13,
        hold=9,
        makes=0.95,
        fatigue=1.4,
    ),
    Profile(
        "SIM007",
        ("+QQZC", "+QQZP", "+WWXC", "+WWXP", "QQZ"),
        skill=0.0,
        typical=650,
        trips=4,
        hold=35,
        presence=0.8,
    ),
    Profile(
        "SIM008",
        ("#SIMA", "#SIMB"),
        skill=0.10,
        typical=1100,
        trips=6,
        hold=18,
        chases=True,
    ),
    Profile(
        "SIM009",
        _shares(18),
        skill=-0.05,
        typical=500,
        tilt=1.5,
        changes_account=True,
    ),
    Profile(
        "SIM010",
        _shares(21, 8),
        skill=-0.02,
        typical=600,
        trips=2,
        hold=50,
        overnight=0.35,
        presence=0.85,
        sends_intention=False,
    ),
    Profile("SIM011", _shares(24), skill=0.15, typical=650, trips=8, fatigue=2.5),
    Profile(
        "SIM012",
        _shares(27),
        skill=-0.15,
        typical=250,
        trips=4,
        presence=0.75,
        remark=" (DEMO), desk 2",
    ),
    Profile("SIM013", _shares(1), skill=-0.22, typical=750, missing_sessions=105),
    Profile("SIM014", _shares(4), skill=0.0, typical=300, trips=4, last_sessions=12),
    Profile("SIM015", _shares(7), skill=0.0, typical=300, trips=3, last_sessions=3),
    Profile("SIM016", trades=False, currency="CAD"),
    Profile(
        "SIM017",
        _shares(10),
        skill=0.08,
        typical=850,
        tilt=1.4,
        remark=" Zorbel Quandry",
    ),
    Profile(
        "SIM018",
        _shares(16, 4),
        skill=-0.05,
        typical=450,
        trips=15,
        hold=7,
        makes=0.6,
        fatigue=1.8,
        sends_intention=False,
    ),
    Profile(
        "SIM019",
        ("+QQZC", "+WWXP"),
        skill=-0.18,
        typical=500,
        trips=3,
        hold=40,
        presence=0.7,
        sends_intention=False,
    ),
    Profile("SIM020", ("#SIMC", "#SIMA"), skill=0.02, typical=1400, trips=5, tilt=1.6),
    Profile("SIM021", _shares(16), skill=0.28, typical=900, trips=7, tilt=0.4),
    Profile("SIM022", _shares(19), skill=-0.34, typical=550, trips=6, chases=True),
    Profile(
        "SIM023",
        _shares(22, 8),
        skill=0.10,
        typical=1800,
        trips=3,
        hold=40,
        overnight=0.3,
    ),
    Profile("SIM024", _shares(25), skill=0.0, typical=750, has_detailed_fees=True),
)
