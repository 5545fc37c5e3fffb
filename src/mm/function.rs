//! The modelled functions of `mm/`.

use crate::machine::functions;

functions! { 1;
    DO_MUNMAP = "__do_munmap",
    MOVE_PAGE_TABLES = "move_page_tables",
    CHANGE_PROTECTION = "change_protection",
    ZAP_PAGE_RANGE = "zap_page_range",
    COPY_PAGE_RANGE = "copy_page_range",
    WP_PAGE_COPY = "wp_page_copy",
    TRY_TO_UNMAP_ONE = "try_to_unmap_one",
    TRY_TO_MIGRATE_ONE = "try_to_migrate_one",
    OOM_REAP_TASK_MM = "__oom_reap_task_mm",
    SPLIT_HUGE_PMD = "__split_huge_pmd",
    RANGE_START = "__mmu_notifier_invalidate_range_start",
    RANGE_END = "__mmu_notifier_invalidate_range_end",
    REGISTER = "mmu_notifier_register",
    GET_USER_PAGES = "get_user_pages_unlocked",
    HANDLE_MM_FAULT = "handle_mm_fault",
    MMAP_INIT = "mmap_region",
    TAKE_RMAP_LOCKS = "take_rmap_locks",
    SUBSCRIBER_START = "sleeper_invalidate_range_start",
    SUBSCRIBER_END = "sleeper_invalidate_range_end",
}
