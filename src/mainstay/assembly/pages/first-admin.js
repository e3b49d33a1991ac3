(() => {
  const site = JSON.parse(document.getElementById("site").textContent);
  // The token stands behind the #, so that it reaches neither a log nor another site; and it leaves the address bar.
  const token = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  const form = document.getElementById("create");
  const message = document.getElementById("message");
  const say = (kind, text) => { message.className = kind; message.textContent = text; };
  if (!token) say("error", "This address lacks the token: open the whole link that the server printed.");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = new FormData(form);
    try {
      const answer = await fetch(`${site.root}/first-admin`, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify({ token, email: values.get("email"), password: values.get("password") }),
      });
      if (answer.status === 201) {
        form.hidden = true;
        say("good", "Done. You can sign in now.");
        message.append(" ", Object.assign(document.createElement("a"), { href: `${site.root}/`, textContent: "Go on" }));
        return;
      }
      const problem = await answer.json();
      const reasons = (problem.errors || []).map((each) => each.message).join(" ");
      say("error", `${problem.detail} ${reasons}`);
    } catch {
      say("error", "The server does not answer.");
    }
  });
})();
