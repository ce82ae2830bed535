//! What a caller is told when a flow fails and has no `rescue` of its own, in the languages the exchange knows.

terms::phrases! {
    /// Something went wrong.
    SORRY = [
        "We are sorry, something went wrong.",
        "Es tut uns leid, es ist ein Fehler aufgetreten.",
        "Nous sommes désolés, un problème est survenu.",
        "Lo sentimos, se ha producido un error.",
    ];
    /// The same, where the connection has a mailbox.
    LEAVE_A_MESSAGE = [
        "We are sorry, something went wrong. Please leave a message after the tone.",
        "Es tut uns leid, es ist ein Fehler aufgetreten. Bitte hinterlassen Sie nach dem Ton eine Nachricht.",
        "Nous sommes désolés, un problème est survenu. Veuillez laisser un message après le signal sonore.",
        "Lo sentimos, se ha producido un error. Deje un mensaje después de la señal.",
    ];
}
