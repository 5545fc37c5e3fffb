//! What stands before the tasks start: the variant, bug and policy, VMs with their slots, other
//! subscribers.

use super::super::cursor::{Cursor, Parsed};
use super::{Block, Parser, is_keyword};
use crate::case::legal::Rule;
use crate::case::{InitialSlot, MAX_INITIAL_SLOTS, MAX_REGISTRANTS, Registrant};
use crate::kvm::{MAX_VMS, Variant};
use crate::machine::Policy;

impl Parser<'_> {
    /// A statement that may stand once.
    pub(super) fn setting(&mut self, keyword: &'static str, start: usize) -> Parsed<()> {
        self.block = Block::Top;
        self.only_once(keyword, start)?;
        let at = self.cursor.token.start;
        let word = self.cursor.word()?;
        match keyword {
            "variant" => {
                let names = Variant::ALL.map(Variant::name);
                self.case.variant =
                    self.cursor.known(Variant::from_name(word), at, "variant", &names)?;
            }
            "policy" => {
                let names = Policy::ALL.map(Policy::name);
                self.case.config.policy =
                    self.cursor.known(Policy::from_name(word), at, "policy", &names)?;
            }
            "bug" => self.bug = Some((word, at)),
            _ => {
                self.cursor.known(
                    (word == "earlier").then_some(()),
                    at,
                    "address space",
                    &["earlier"],
                )?;
                self.case.config.earlier_mm = true;
            }
        }
        Ok(())
    }

    pub(super) fn vm(&mut self, start: usize) -> Parsed<()> {
        self.block = Block::Vm;
        let at = self.cursor.token.start;
        let name = self.cursor.word()?;
        let reserved = is_keyword(name) || ["read", "write"].contains(&name);
        self.new_name(name, at, reserved, self.vms.contains(&name))?;
        if self.vms.len() == MAX_VMS {
            return Err(Cursor::mistake(start, Rule::TooManyVms.to_string()));
        }
        self.vms.push(name);
        self.registrant(start, Registrant::Vm(Default::default()))
    }

    pub(super) fn subscriber(&mut self, start: usize) -> Parsed<()> {
        self.block = Block::Top;
        let at = self.cursor.token.start;
        let registrant = match self.cursor.word()? {
            "sleeper" => Some(Registrant::Sleeper),
            "refuser" => Some(Registrant::Refuser),
            _ => None,
        };
        let registrant =
            self.cursor.known(registrant, at, "subscriber", &["sleeper", "refuser"])?;
        self.registrant(start, registrant)
    }

    fn registrant(&mut self, start: usize, registrant: Registrant) -> Parsed<()> {
        self.offsets.registrants.push(start);
        self.case.config.registrants.try_push(registrant).map_err(|_| {
            let what = format!("more than {MAX_REGISTRANTS} VMs and subscribers; remove one");
            Cursor::mistake(start, what)
        })
    }

    pub(super) fn slot(&mut self, start: usize) -> Parsed<()> {
        let slot = InitialSlot {
            slot: self.cursor.byte()?,
            gfn: self.cursor.gfn_range()?,
            hva: self.cursor.hva()?,
        };
        let registrants = &mut self.case.config.registrants;
        let index = registrants.len().wrapping_sub(1);
        match registrants.last_mut() {
            Some(Registrant::Vm(slots)) if self.block == Block::Vm => {
                self.offsets.slots.push((index, start));
                slots.try_push(slot).map_err(|_| {
                    let what = format!("more than {MAX_INITIAL_SLOTS} slots in a VM; remove one");
                    Cursor::mistake(start, what)
                })
            }
            _ => {
                Err(Cursor::mistake(start, "`slot` outside of a VM; put it below `vm NAME`".into()))
            }
        }
    }
}
