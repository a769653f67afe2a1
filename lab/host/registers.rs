//! Preloaded into the host's kernel, which is a program: the processes that it traces get their whole floating-point state.
//!
//! Linux takes from a tracer nothing but the whole of it (`PTRACE_SETREGSET` of `NT_X86_XSTATE`), and how much that is depends
//! on the processor: with AMX 11008 bytes. User-Mode Linux of 6.1 has room for the 2696 of AVX-512
//! (`HOST_FP_SIZE` of `arch/x86/um/user-offsets.c`); the rest is what it is at first, zero, for nobody in the host asks for AMX.

use std::ffi::{c_char, c_int, c_long, c_void};

/// As in `<sys/ptrace.h>`, `<elf.h>` and `<dlfcn.h>`.
const SETREGSET: c_int = 0x4205;
const XSTATE: usize = 0x202;
const NEXT: *mut c_void = usize::MAX as *mut c_void;

/// More than any processor has; Linux takes no more than its own has.
const MOST: usize = 1 << 16;

/// As in `<sys/uio.h>`.
#[repr(C)]
struct Bytes {
    start: *mut u8,
    count: usize,
}

/// Zero beyond what a kernel hands over. It has one thread, and its stacks are small.
static mut WHOLE: [u8; MOST] = [0; MOST];

unsafe extern "C" {
    fn dlsym(from: *mut c_void, name: *const c_char) -> *mut c_void;
}

type Ptrace = unsafe extern "C" fn(c_int, c_int, *mut c_void, *mut c_void) -> c_long;

/// `ptrace(2)`, in front of the C library's.
///
/// # Safety
/// As that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptrace(request: c_int, process: c_int, about: *mut c_void, data: *mut c_void) -> c_long {
    unsafe {
        let next: Ptrace = std::mem::transmute(dlsym(NEXT, c"ptrace".as_ptr()));
        if request != SETREGSET || about as usize != XSTATE {
            return next(request, process, about, data);
        }
        let given = &*data.cast::<Bytes>();
        let start = (&raw mut WHOLE).cast::<u8>();
        std::ptr::copy_nonoverlapping(given.start, start, given.count.min(MOST));
        let mut whole = Bytes { start, count: MOST };
        next(request, process, about, (&raw mut whole).cast())
    }
}
