// What of libcurl Swift cannot call: variadic functions and a union. Everything else is called directly.
#ifndef CURL_SHIM_H
#define CURL_SHIM_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

// Receives a piece of a header or of a body; anything but `count` ends the transfer.
typedef size_t (*curl_shim_receiver)(char *bytes, size_t size, size_t count, void *context);

CURLcode curl_shim_set_long(CURL *easy, CURLoption option, long value);
CURLcode curl_shim_set_string(CURL *easy, CURLoption option, const char *value);
CURLcode curl_shim_set_pointer(CURL *easy, CURLoption option, void *value);
CURLcode curl_shim_set_receiver(CURL *easy, CURLoption option, curl_shim_receiver value);

// The body is copied.
CURLcode curl_shim_set_body(CURL *easy, const void *bytes, size_t count);

// The status of the answer; 0 when there was none.
long curl_shim_status(CURL *easy);

// Takes the next finished transfer out of the queue; false when there is none.
bool curl_shim_next_finished(CURLM *multi, CURL **easy, CURLcode *result);

#endif
