//! A named place of the protocol, at which a burst may end.

use super::{DONE, Next, Operation, number};
use crate::machine::Site;
use crate::machine::sim::state::State;
use crate::machine::sim::{At, Call, Schedule, TurnEnd};

/// Comes to a place.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine::sim) struct Place(pub u8);

impl<S: Schedule, E> Operation<S, E> for Place {
    fn number(self) -> u64 {
        number(14, 0, self.0.into())
    }

    fn call(self) -> Call {
        Call::Place(self.0)
    }

    /// None, unless a burst ends here: then somebody else runs next.
    fn point(self, state: &mut State<S, E>, task: u8) -> bool {
        let stops = !state.setting_up
            && state.schedule.stops_at(task, self.0)
            && !state.goes_on(At::Place(task), task);
        if stops {
            state.end_turn(TurnEnd::Place(self.0));
        }
        !stops
    }

    fn effect(self, _: &mut State<S, E>, _: u8, _: Site) -> Next {
        DONE
    }
}
