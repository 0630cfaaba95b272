//! A library that says it is ONNX Runtime 1.22.1 and gives no API, as such a version does when asked for a newer one.
//! A test compiles it with `rustc --crate-type cdylib`.

use std::ffi::{c_char, c_void};

#[repr(C)]
pub struct ApiBase {
    api: extern "C" fn(u32) -> *const c_void,
    version: extern "C" fn() -> *const c_char,
}

extern "C" fn api(_: u32) -> *const c_void {
    std::ptr::null()
}

extern "C" fn version() -> *const c_char {
    c"1.22.1".as_ptr()
}

static BASE: ApiBase = ApiBase { api, version };

#[unsafe(no_mangle)]
pub extern "C" fn OrtGetApiBase() -> *const ApiBase {
    &BASE
}
