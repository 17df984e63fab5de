#include "WorkspaceShim.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

int ise_denial_receive(int listener, struct ise_denial *denial)
{
    struct seccomp_notif notification;
    memset(&notification, 0, sizeof notification);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notification) != 0)
        return errno;
    denial->cookie = notification.id;
    denial->pid = (int)notification.pid;
    denial->number = notification.data.nr;
    memcpy(denial->arguments, notification.data.args, sizeof denial->arguments);
    return 0;
}

int ise_denial_continue(int listener, uint64_t cookie)
{
    struct seccomp_notif_resp response = {.id = cookie, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0 ? 0 : errno;
}

void ise_denial_wake_near(int listener)
{
    ioctl(listener, _IOW('!', 4, uint64_t), 1ul); /* SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP */
}

int ise_denial_answer(int listener, uint64_t cookie)
{
    struct seccomp_notif_resp response = {.id = cookie, .val = 0, .error = -EPERM, .flags = 0};
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0 ? 0 : errno;
}
