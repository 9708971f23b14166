"""From a finger to a page: pin, kernel, lgpio, node, broker, hub, broker, ear; and the lamp under the finger."""

from __future__ import annotations

from statistics import median

from andgate.wire.codec import parse_time
from tests.hil.hall import LAMP, MOT, Hall

TIMES = 20


def test_a_press_is_paged_and_the_lamp_answers(hall: Hall, figures: list[str]) -> None:
    hall.call("hand:press", MOT, None, 2.4)  # whatever is open here ends
    edge, lamp, page = [], [], []
    for _ in range(TIMES):
        hall.call("hand:dark", LAMP)
        since = hall.mark()
        down_s, lit_s, _ = hall.press(MOT, LAMP)
        (press,) = hall.wait_signals("hall", since, down_s)
        paged_s, said = hall.hear("page/ticket-agents", since, kind="page")
        moment = hall.call("ear:get", f"/api/v1/moments/{said['moment']}")
        assert (moment["touchpoint"], moment["witnesses"]) == ("counter-a", ["hall/mot"])
        assert abs(parse_time(moment["opened_at"]) - parse_time(press["at"])) < 50
        edge.append(press["mono"] - down_s)
        lamp.append(lit_s - down_s)
        page.append(paged_s - down_s)
        hall.call("ear:post", f"/api/v1/moments/{said['moment']}/void", {"reason": "a test", "by": "hil"})
        hall.hear("page/ticket-agents", since, kind="over")
        pages = [one for _, one in hall.call("ear:heard", "page/ticket-agents", since)]
        assert [(one["kind"], one["moment"]) for one in pages] == [(kind, said["moment"]) for kind in ("page", "over")]
    assert max(edge) < 0.05, "a press counts from when it was pressed"
    for name, times in (("edge seen", edge), ("lamp lit", lamp), ("page heard", page)):
        figures.append(
            f"press to {name}: p50 {median(times) * 1e3:.1f} ms, worst {max(times) * 1e3:.1f} ms of {TIMES}"
            f"{'' if name == 'edge seen' else ' (30 ms of it settling)'}; emulated"
        )
