"""What entries of a ledger say that is out of the ordinary, in words."""

from investorbench.tasks.live.experiment.ledger import LedgerEntry
from investorbench.tasks.live.experiment.view import NO_ACTIONS


def remark_on(entry: LedgerEntry) -> str | None:
    """What an entry says that is out of the ordinary, in words; None where it does not."""
    content = entry.content
    match entry.kind:
        case "missed":
            return "no step was taken in time"
        case "stale":
            return f"marked at the last price: {content['reason']}"
        case "outage":
            return f"{content['reason']} ({', '.join(content['symbols'])})"
        case "disagreement":
            one, other = (
                f"{source} {value:,.4f}"
                for source, value in zip(content["sources"], content["figures"], strict=True)
            )
            return f"{content['field']}: {one}, {other}"
        case "revision":
            now, was = content["close"], content["was"]["close"]
            return f"{content['source']} now has a close of {now:,.4f}, where it had {was:,.4f}"
        case "impossible":
            given = ", ".join("–" if each is None else f"{each:g}" for each in content["quote"])
            return f"{content['source']} gave {given}, which no market can have done"
        case "restated":
            return (
                f"{content['source']} now has earlier prices times {content['ratio']:.6g}: a split "
                "that no source lists yet"
            )
        case "action":
            late = ", found late" if content.get("late") else ""
            if content["amount"] == NO_ACTIONS[content["action"]]:
                return f"{content['action']} of entry {content['corrects']} is listed no more"
            return f"{content['action']} of {content['amount']:g}{late}"
        case "account" if "corrects" in content:
            return f"the account was taken again in place of entry {content['corrects']}"
        case "failure":
            return f"did not decide: {content['reason']}"
    return None
