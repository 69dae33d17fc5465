//! The frame of a board's firmware, which is the same on every processor.

/// The frame of a board's firmware: the constants of its data file as `FACTS`, the ring `RECEIVE` for what its UART takes
/// in, its entry, its interrupts, and handlers of faults and panics that note the cause and reset.
///
/// It takes, in this order, what each `main.rs` in `firmware/boards` gives it:
///
/// - `start`: starts clocks, timer and UART, `fn() -> (impl Board, Flash)`.
/// - `flash`: the type of what erases and programs its flash.
/// - `interrupts`: those that are switched on, by what the processor calls them, each `=>` its handler.
///
/// A profile region that is too small for the board's owners and ratings doesn't compile.
#[macro_export]
macro_rules! board {
    (
        start: $start:path,
        flash: $flash:ty,
        interrupts: { $($interrupt:path => $handler:path),+ $(,)? } $(,)?
    ) => {
        include!(concat!(env!("OUT_DIR"), "/board.rs"));

        /// Bytes that the UART took in.
        static RECEIVE: $crate::receive::Receive = $crate::receive::Receive::new();

        const _: () = {
            let page = <$flash as $crate::flash::Controller<{ FACTS.word }>>::PAGE;
            assert!(page == FACTS.page);
            let sizes = (FACTS.page as u32, FACTS.word as u32);
            $crate::room::require(FACTS.profile.1, sizes, FACTS.owners, FACTS.ratings);
        };

        /// What the entry calls, once.
        fn run() -> ! {
            static mut PLACE: core::mem::MaybeUninit<
                $crate::Service<
                    { FACTS.owners },
                    { FACTS.ratings },
                    $crate::FlashLog<$crate::flash::Region<$flash, { FACTS.word }>>,
                >,
            > = core::mem::MaybeUninit::uninit();

            let boot = $crate::machine::RESET.boot();
            let strict = $crate::machine::strict_floats();
            let (board, flash) = $start();
            // SAFETY: the data file puts these regions into flash that exists, apart from each other and from the
            // firmware; only this log writes the profile's, and nothing the image's.
            let (store, image) = unsafe {
                (
                    $crate::regions::profile_log(flash, &FACTS),
                    $crate::regions::image(&FACTS),
                )
            };
            let found = $crate::app::Found {
                facts: &FACTS,
                image,
                boot,
                strict,
            };
            // SAFETY: this is called once.
            let place = unsafe { &mut *(&raw mut PLACE) };
            $crate::app::run(place, board, store, &RECEIVE, found)
        }

        $crate::vectors! { run, { $($interrupt => $handler),+ } }

        #[panic_handler]
        fn panic(information: &core::panic::PanicInfo) -> ! {
            $crate::machine::reset($crate::reset::Cause::Panic {
                line: information.location().map_or(0, |location| location.line()),
            })
        }
    };
}
