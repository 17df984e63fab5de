#include "CurlShim.h"

CURLcode curl_shim_set_long(CURL *easy, CURLoption option, long value)
{
    return curl_easy_setopt(easy, option, value);
}

CURLcode curl_shim_set_string(CURL *easy, CURLoption option, const char *value)
{
    return curl_easy_setopt(easy, option, value);
}

CURLcode curl_shim_set_pointer(CURL *easy, CURLoption option, void *value)
{
    return curl_easy_setopt(easy, option, value);
}

CURLcode curl_shim_set_receiver(CURL *easy, CURLoption option, curl_shim_receiver value)
{
    return curl_easy_setopt(easy, option, value);
}

CURLcode curl_shim_set_body(CURL *easy, const void *bytes, size_t count)
{
    // The size goes first: COPYPOSTFIELDS copies that many.
    CURLcode result = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    if (result != CURLE_OK)
        return result;
    return curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, bytes);
}

long curl_shim_status(CURL *easy)
{
    long status = 0;
    return curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK ? status : 0;
}

bool curl_shim_next_finished(CURLM *multi, CURL **easy, CURLcode *result)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        *easy = message->easy_handle;
        *result = message->data.result;
        return true;
    }
    return false;
}
