//! The modelled functions of `virt/kvm` and `arch/x86/kvm`.

use crate::machine::functions;

functions! { 64;
    RANGE_START = "kvm_mmu_notifier_invalidate_range_start",
    RANGE_END = "kvm_mmu_notifier_invalidate_range_end",
    HANDLE_HVA_RANGE = "__kvm_handle_hva_range",
    SET_MEMORY_REGION = "__kvm_set_memory_region",
    SET_MEMSLOT = "kvm_set_memslot",
    INSTALL_NEW_MEMSLOTS = "install_new_memslots",
    FLUSH_SHADOW_MEMSLOT = "kvm_arch_flush_shadow_memslot",
    COMMIT_MEMORY_REGION = "kvm_arch_commit_memory_region",
    VCPU_RUN = "vcpu_run",
    DIRECT_PAGE_FAULT = "direct_page_fault",
}

/// The name of a modelled function of any layer; `?` for none.
pub fn name(f: crate::machine::Function) -> &'static str {
    let (names, base) = match f.0 {
        n if n >= BASE => (NAMES, BASE),
        _ => (crate::mm::function::NAMES, crate::mm::function::BASE),
    };
    f.0.checked_sub(base).and_then(|i| names.get(usize::from(i))).copied().unwrap_or("?")
}
